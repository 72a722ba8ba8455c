import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { BANS } from "./support/architecture/bans.ts";
import { findCycles, LAYER_RULES } from "./support/architecture/layers.ts";
import type { Exception, Rule, Snippet } from "./support/architecture/rule.ts";
import { parseSource, readSources } from "./support/architecture/source.ts";
import { STORAGE_RULES } from "./support/architecture/storage.ts";
import { VERB_RULES, verbsWithinReach } from "./support/architecture/verbs.ts";
import { WORD_RULES } from "./support/architecture/words.ts";

/** The rules that a parser can check; the others are a reader's work. */
const RULES: readonly Rule[] = [...LAYER_RULES, ...VERB_RULES, ...STORAGE_RULES, ...BANS, ...WORD_RULES];

const EXCEPTIONS: readonly Exception[] = [
  {
    rule: "time comes from lib/clock",
    path: "simulate/environment/timers.ts",
    reason:
      "It puts virtual timers in the place of Node's, of which this module is one; it sets none of them.",
  },
];

/** Fewer files than this mean that the test looked in the wrong place. */
const FILES_MIN = 40;

const SOURCES = readSources(fileURLToPath(new URL("../src", import.meta.url)));

test("all of the sources are read", () => {
  expect(SOURCES.length).toBeGreaterThanOrEqual(FILES_MIN);
  expect(SOURCES.map((source) => source.path)).toEqual(
    expect.arrayContaining(["lib/clock.ts", "cli/main.ts"]),
  );
});

describe.each(RULES)("$name", (rule) => {
  const breaches = SOURCES.flatMap((source) =>
    rule.check(source).map(({ line, message }) => ({ path: source.path, line, message })),
  );
  const exceptions = EXCEPTIONS.filter((exception) => exception.rule === rule.name);

  test("holds in src/", () => {
    const excepted = new Set(exceptions.map((exception) => exception.path));
    const left = breaches.filter(({ path }) => !excepted.has(path));
    expect(left.map(({ path, line, message }) => `src/${path}:${line} ${message}`)).toEqual([]);
  });

  test("needs all of its exceptions", () => {
    const broken = new Set(breaches.map(({ path }) => path));
    expect(exceptions.filter(({ path }) => !broken.has(path))).toEqual([]);
  });

  test.each(rule.breaks.map(titled))("refuses $title", ({ path, code }) => {
    expect(rule.check(parseSource(path, code))).not.toEqual([]);
  });

  test.each(rule.keeps.map(titled))("accepts $title", ({ path, code }) => {
    expect(rule.check(parseSource(path, code))).toEqual([]);
  });
});

test("tests, benchmarks and scripts use plain words too", () => {
  const left = ["test", "bench", "scripts"].flatMap((folder) =>
    readSources(fileURLToPath(new URL(`../${folder}`, import.meta.url)))
      .filter(({ path }) => !path.startsWith("support/architecture/"))
      .flatMap((source) =>
        WORD_RULES.flatMap((rule) => rule.check(source)).map(
          ({ line, message }) => `${folder}/${source.path}:${line} ${message}`,
        ),
      ),
  );
  expect(left).toEqual([]);
});

test("every exception names a rule and gives its reason", () => {
  const names = RULES.map((rule) => rule.name);
  for (const { rule, reason } of EXCEPTIONS) {
    expect(names).toContain(rule);
    expect(reason.length).toBeGreaterThan(20);
  }
});

describe("imports form no circle", () => {
  test("in src/", () => {
    expect(findCycles(SOURCES).map((cycle) => cycle.join(" -> "))).toEqual([]);
  });

  test("and one is found where there is one, however it is made", () => {
    const sources = [
      parseSource("lib/a.ts", 'import { b } from "./b.ts";'),
      parseSource("lib/b.ts", 'export { c } from "./c.ts";'),
      parseSource("lib/c.ts", 'import type { A } from "./a.ts"; import { d } from "./d.ts";'),
      parseSource("lib/d.ts", "export const d = 1;"),
    ];
    expect(findCycles(sources)).toEqual([["lib/a.ts", "lib/b.ts", "lib/c.ts", "lib/a.ts"]]);
  });
});

describe("no verb of a person is within the reach of agents through other files", () => {
  test("in src/", () => {
    expect(verbsWithinReach(SOURCES)).toEqual([]);
  });

  test("and one is found where there is one", () => {
    const sources = [
      parseSource("jobs/exec/a.ts", 'import { b } from "../../ops/b.ts";'),
      parseSource("ops/b.ts", 'import { clearKill } from "../rails/kill.ts";'),
      parseSource("runner/remote/verbs.ts", 'import { answerByCode } from "../questions/answer.ts";'),
      parseSource("runner/questions/answer.ts", 'import { resume } from "../../rails/resume.ts";'),
    ];
    expect(verbsWithinReach(sources)).toEqual(["jobs/exec/a.ts -> ops/b.ts -> rails/kill.ts"]);
  });
});

test("a file that is not TypeScript is an error, not a file without breaches", () => {
  expect(() => parseSource("lib/a.ts", "const const = 1;")).toThrow("lib/a.ts");
});

function titled([path, code]: Snippet) {
  return { path, code, title: `${path}: ${code.split("\n")[0]}` };
}
