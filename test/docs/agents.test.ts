import { readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, it, test } from "vitest";
import { parse } from "yaml";
import { agentSettings } from "../../src/jobs/agent/settings.ts";
import { readHandedIn } from "../../src/jobs/programs/result-file.ts";

const PAGE = readFileSync(new URL("../../docs/agents.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}(?: agent=(\\w+))?\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, name = "", content = ""]) => ({ name, content }),
  );

const recipes = blocks("yaml").filter(({ content }) => content.startsWith("name:"));

test.each(recipes.map(({ content }) => [parse(content).command[0], content] as const))(
  "the recipe of docs/agents.md for %s is accepted",
  (_program, content) => {
    const { name: _name, kind, ...settings } = parse(content);
    expect(kind).toBe("agent");
    expect(v.is(agentSettings, settings)).toBe(true);
  },
);

it("shows a result that is one", () => {
  const [shown] = blocks("json");
  expect(readHandedIn("job", JSON.parse(shown!.content))).toMatchObject({ units: 2, cost_usd: 0.05 });
});
