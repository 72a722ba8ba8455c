import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { DRILLS } from "../../src/drill/registry.ts";
import { COVERED, isNamed, type NamedTest, notRun, readCoverage } from "../support/coverage.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCS = join(ROOT, "docs");
const text = readFileSync(join(DOCS, "coverage.md"), "utf8");
const rows = readCoverage(text);

it.each(COVERED)("every file and every test that is named in %s exists", (document) => {
  const named = readCoverage(readFileSync(join(ROOT, document), "utf8"));
  expect(named.length).toBeGreaterThan(document === "docs/coverage.md" ? 80 : 25);
  for (const { what, line, files, tests } of named) {
    const where = `${document}:${line}: ${what}`;
    expect(files.length, where).toBeGreaterThan(0);
    expect(tests.length, where).toBeGreaterThan(0);
    for (const link of [...files, ...tests.map((test) => test.link)])
      expect(existsSync(join(DOCS, link)), `${where}: ${link}`).toBe(true);
    for (const test of tests) {
      expect(join(DOCS, test.link), where).toBe(join(ROOT, test.file));
      expect(missingTitle(test), `${where}: ${test.file} has no such test: ${test.name}`).toBeNull();
    }
  }
});

it("the link to a file says its path", () => {
  for (const [, path = "", link = ""] of text.matchAll(/\[`([^`]+)`\]\(([^)]+)\)/g))
    expect(join(DOCS, link)).toBe(join(ROOT, path));
});

it("no promise stands there twice", () => {
  const promises = rows.map(({ what }) => what);
  expect(promises.filter((what, index) => promises.indexOf(what) !== index)).toEqual([]);
});

it("every command, every drill and every part of the sources that has tests has a row", () => {
  const files = rows.flatMap((row) => row.files.map((link) => join(DOCS, link)));
  const commands = readdirSync(join(ROOT, "src/cli/commands")).map((name) => `src/cli/commands/${name}`);
  for (const command of commands) expect(files).toContain(join(ROOT, command));
  for (const { name } of DRILLS) expect(text).toContain(`\`drill ${name}\``);
  for (const folder of testedFolders())
    expect(
      files.some((file) => file.startsWith(join(ROOT, "src", folder, "/"))),
      folder,
    ).toBe(true);
});

it("a test that was renamed, or not run, is found out", () => {
  const rows = readCoverage(
    '| a | [`src/a.ts`](../src/a.ts) | [`test/a.test.ts`](../test/a.test.ts) "a suite > ends … (now)" |',
  );
  const [named] = rows[0]?.tests ?? [];
  expect(named).toEqual({
    link: "../test/a.test.ts",
    file: "test/a.test.ts",
    name: "a suite > ends … (now)",
  });
  expect(isNamed(named!, "test/a.test.ts > a suite > ends at once (now)")).toBe(true);
  expect(isNamed(named!, "test/a.test.ts > a suite > ends at once")).toBe(false);
  expect(isNamed(named!, "test/b.test.ts > a suite > ends at once (now)")).toBe(false);
  expect(notRun(rows, ["test/a.test.ts > a suite > begins (now)"], () => true)).toEqual([named]);
  expect(notRun(rows, ["test/a.test.ts > a suite > ends it (now)"], () => true)).toEqual([]);
  expect(notRun(rows, [], (file) => !file.startsWith("test/"))).toEqual([]);
  expect(() => readCoverage("| a | b |")).toThrow("three cells");
});

/** The folders of src/ that test/ mirrors. */
function testedFolders(): string[] {
  return readdirSync(join(ROOT, "src")).filter((name) => {
    const tests = join(ROOT, "test", name);
    return (
      existsSync(tests) &&
      readdirSync(tests, { recursive: true }).some((file) => /\.test\.ts$/.test(String(file)))
    );
  });
}

/** The first title within the name that the file has not; null when it has all. `…` is a placeholder of the title. */
function missingTitle({ file, name }: NamedTest): string | null {
  const source = readFileSync(join(ROOT, file), "utf8");
  expect(source, file).not.toMatch(/^\s*(?:it|test|describe)\.(?:skip|todo|only)\(/m);
  const isThere = (title: string) => {
    const parts = title.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    return new RegExp(`["'\`]${parts.join("[^\\n]*")}["'\`]`).test(source);
  };
  return name.split(" > ").find((title) => title !== "…" && !isThere(title)) ?? null;
}
