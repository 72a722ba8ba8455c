import { writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestModule } from "vitest/node";

/** What `npm test` counts, as the reporter leaves it for test/support/run-all.ts. */
export interface TestSummary {
  passed: number;
  /** Every test that there was, as `file > suites > test`, whatever came of it. */
  seen: string[];
  /** Failed tests, and errors outside of any test: a file that cannot be loaded, a promise that nobody awaited. */
  failed: number;
  /** What failed, by name, with its first error: the end of a long output is what a CI keeps. */
  failures: { test: string; error: string }[];
  skipped: { test: string; reason: string }[];
}

/** The reporter writes to the file that this variable names, and does nothing without it. */
export const SUMMARY_FILE = "AFK_TEST_SUMMARY";

/** Stands in a test's name before the reason for which it is skipped: `works -- skipped: no container engine`. */
const REASON_MARK = " -- skipped: ";

/** Of one failure's message, in characters. */
const ERROR_LENGTH_MAX = 600;

/** Named by its path on vitest's command line, which constructs it. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export.
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env[SUMMARY_FILE];
    if (file === undefined) return;
    const summary = summarise(modules);
    for (const error of unhandledErrors) addFailure(summary, "outside of any test", [error]);
    writeFileSync(file, JSON.stringify(summary));
  }
}

function summarise(modules: readonly TestModule[]): TestSummary {
  const summary: TestSummary = { passed: 0, seen: [], failed: 0, failures: [], skipped: [] };
  for (const module of modules) {
    const file = module.relativeModuleId;
    for (const error of module.errors()) addFailure(summary, file, [error]);
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) addFailure(summary, `${file} > ${suite.fullName}`, [error]);
    }
    for (const test of module.children.allTests()) {
      const name = `${file} > ${test.fullName}`;
      const result = test.result();
      summary.seen.push(name);
      if (result.state === "passed") summary.passed += 1;
      else if (result.state === "skipped") {
        summary.skipped.push({ test: name, reason: reasonOf(test.fullName, result.note) });
      }
      // A test that is still pending when the run has ended was never seen to pass.
      else addFailure(summary, name, result.state === "failed" ? result.errors : ["it never ended"]);
    }
  }
  return summary;
}

function addFailure(summary: TestSummary, test: string, [error]: readonly unknown[]): void {
  const message = error instanceof Object && "message" in error ? error.message : error;
  summary.failed += 1;
  summary.failures.push({
    test,
    error: stripVTControlCharacters(String(message)).slice(0, ERROR_LENGTH_MAX),
  });
}

function reasonOf(name: string, note: string | undefined): string {
  const mark = name.lastIndexOf(REASON_MARK);
  return note ?? (mark === -1 ? "no reason given" : name.slice(mark + REASON_MARK.length));
}
