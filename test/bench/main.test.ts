import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Benchmark, Goal, Result, Row } from "../../bench/harness/benchmark.ts";
import { isMet } from "../../bench/harness/benchmark.ts";
import { runBench } from "../../bench/harness/main.ts";
import { BENCHMARKS } from "../../bench/registry.ts";
import { tempDir } from "../support/temp.ts";

const ratio = (median: number): Result => ({
  type: "ratio",
  ratio: { median, q1: median - 0.1, q3: median + 0.1, count: 9 },
  sides: "3 ms against 2 ms",
});

const row = (result: Result, goal: Goal | null): Row => ({ subject: "this", baseline: "that", result, goal });

const benchmark = (name: string, ...rows: Row[]): Benchmark => ({
  name,
  question: `What of ${name}?`,
  run: async () => rows,
});

function place() {
  const dir = tempDir();
  const resultsFile = join(tempDir(), "RESULTS.md");
  const printed: string[] = [];
  const print = (lines: readonly string[]) => void printed.push(...lines);
  const run = (benchmarks: Benchmark[], ...words: string[]) =>
    runBench(["--dir", dir, ...words], { benchmarks, resultsFile, print, say: () => undefined });
  return { dir, resultsFile, printed, run };
}

async function bench(benchmarks: Benchmark[], ...words: string[]) {
  const { dir, resultsFile, printed, run } = place();
  const code = await run(benchmarks, ...words);
  const page = existsSync(resultsFile) ? readFileSync(resultsFile, "utf8") : null;
  return { code, printed: printed.join("\n"), page, left: readdirSync(dir) };
}

const GOOD = benchmark("good", row(ratio(1.2), { atMost: 1.5 }));
const BAD = benchmark("bad", row(ratio(1.7), { atMost: 1.5 }));

test("a whole run writes its results, with machine, spread and goals, and leaves nothing behind", async () => {
  const { code, printed, page, left } = await bench([GOOD, BAD]);
  expect(code).toBe(0);
  expect(printed).toContain("Goals missed: 1.");
  expect(page).toContain(
    "| this | that | 1.20x (1.10 to 1.30, n=9): 3 ms against 2 ms | at most 1.5x | met |",
  );
  expect(page).toContain("| at most 1.5x | MISSED |");
  expect(page).toMatch(/cores, \d+ GiB/);
  expect(page).toMatch(/Node \d+.*better-sqlite3 \d+/);
  expect(page).toMatch(/fsync: \d+ us \(\d+ to \d+\)/);
  expect(left).toEqual([]);
});

test("one by its name runs alone and writes nothing", async () => {
  const { code, printed, page } = await bench([GOOD, BAD], "good");
  expect([code, page]).toEqual([0, null]);
  expect(printed).not.toContain("bad");
});

test("an update changes the answers that it gives, says how they came about, and leaves the others", async () => {
  const { dir, resultsFile, run } = place();
  await run([GOOD, BAD]);
  const better = benchmark("bad", row(ratio(1.4), { atMost: 1.5 }));
  const added = benchmark("added", row(ratio(1), null));
  expect(await run([GOOD, better, added], "bad", "added", "--update", "--full")).toBe(0);
  const page = readFileSync(resultsFile, "utf8");
  expect(page.match(/^## .*$/gm)).toEqual(["## good", "## bad", "## added"]);
  expect(page).toMatch(/What of bad\?.*Measured by `npm run bench -- bad --full`/);
  expect(page).not.toContain("MISSED");
  expect(page).toContain("| 1.20x");
  expect(readdirSync(dir)).toEqual([]);
});

test("a check fails for a goal that is missed, and only for that", async () => {
  expect((await bench([GOOD, BAD], "--check")).code).toBe(1);
  expect((await bench([GOOD], "--check")).code).toBe(0);
  const notRun = benchmark(
    "absent",
    row({ type: "not_run", unit: "MB", reason: "no engine" }, { atMost: 40 }),
  );
  const { code, printed } = await bench([notRun], "--check");
  expect(code).toBe(0);
  expect(printed).toContain("not run no engine  [at most 40 MB]");
});

test.each([["frobnicate"], ["--frobnicate"]])(
  "refuses %s, says what there is, and runs nothing",
  async (word) => {
    const { code, printed, page } = await bench([GOOD], word);
    expect([code, page]).toEqual([2, null]);
    expect(printed).toContain("frobnicate");
    expect(printed).toContain("only these: good");
  },
);

test("a benchmark that fails fails the run, and what it left is cleared away", async () => {
  const cleared: string[] = [];
  const failing: Benchmark = {
    name: "failing",
    question: "?",
    async run(tools) {
      tools.after(() => cleared.push("first"));
      tools.after(() => cleared.push("second"));
      throw new Error("it failed");
    },
  };
  await expect(bench([failing])).rejects.toThrow("it failed");
  expect(cleared).toEqual(["second", "first"]);
});

test("a goal is met at its very figure", () => {
  expect(isMet(row(ratio(1.5), { atMost: 1.5 }))).toBe(true);
  expect(isMet(row(ratio(1.51), { atMost: 1.5 }))).toBe(false);
  expect(isMet(row(ratio(0.8), { atLeast: 0.8 }))).toBe(true);
  expect(isMet(row(ratio(0.79), { atLeast: 0.8 }))).toBe(false);
  expect(isMet(row(ratio(9), null))).toBe(null);
});

test("every benchmark has a name and a file of its own", () => {
  const names = BENCHMARKS.map(({ name }) => name);
  const files = readdirSync(new URL("../../bench/benchmarks", import.meta.url)).map((file) =>
    file.replace(".ts", ""),
  );
  expect(names.toSorted()).toEqual(files.toSorted());
});
