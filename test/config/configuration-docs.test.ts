import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONFIGURATION_FILE, renderConfigurationDocs } from "../../scripts/configuration-docs.ts";
import { jobKinds } from "../../src/jobs/registry.ts";

test("docs/configuration.md says what the schema says; if not: node scripts/configuration-docs.ts", () => {
  expect(readFileSync(CONFIGURATION_FILE, "utf8")).toBe(renderConfigurationDocs(jobKinds));
});

test("every key of the shipped schema has a row with a type and a meaning", () => {
  const text = renderConfigurationDocs(jobKinds);
  const schema = readFileSync(new URL("../../afk.schema.json", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (.*?) \| (.*?) \| (.*) \|$/gm)];
  for (const [, path, type, , meaning] of rows) {
    expect(type, path).not.toBe("");
    expect(meaning, path).not.toBe("");
  }
  const keys = new Set(rows.map(([, path = ""]) => path.split(".").at(-1)?.replace("[]", "")));
  const stated = [...schema.matchAll(/"([a-z][a-z_]+)": \{/g)].map(([, key = ""]) => key);
  const isKey = (key: string) =>
    !["properties", "items", "if", "then", "else", "not", "default"].includes(key);
  const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(stated.filter((key) => isKey(key) && !keys.has(key) && !sections.includes(key))).toEqual([]);
});
