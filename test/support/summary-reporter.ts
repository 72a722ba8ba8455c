import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/** What `npm test` counts, as the reporter leaves it for test/support/run-all.ts. */
export interface TestSummary {
  passed: number;
  /** Failed tests, and errors outside of any test: a file that cannot be loaded, a promise that nobody awaited. */
  failed: number;
  skipped: { test: string; reason: string }[];
}

/** The reporter writes to the file that this variable names, and does nothing without it. */
export const SUMMARY_FILE = "AFK_TEST_SUMMARY";

/** Stands in a test's name before the reason for which it is skipped: `works -- skipped: no container engine`. */
const REASON_MARK = " -- skipped: ";

/** Named by its path on vitest's command line, which constructs it. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export.
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env[SUMMARY_FILE];
    if (file === undefined) return;
    const summary = summarise(modules);
    summary.failed += unhandledErrors.length;
    writeFileSync(file, JSON.stringify(summary));
  }
}

function summarise(modules: readonly TestModule[]): TestSummary {
  const summary: TestSummary = { passed: 0, failed: 0, skipped: [] };
  for (const module of modules) {
    summary.failed += module.errors().length;
    for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") summary.passed += 1;
      else if (result.state === "skipped") {
        summary.skipped.push({
          test: `${module.relativeModuleId} > ${test.fullName}`,
          reason: reasonOf(test.fullName, result.note),
        });
      }
      // A test that is still pending when the run has ended was never seen to pass.
      else summary.failed += 1;
    }
  }
  return summary;
}

function reasonOf(name: string, note: string | undefined): string {
  const mark = name.lastIndexOf(REASON_MARK);
  return note ?? (mark === -1 ? "no reason given" : name.slice(mark + REASON_MARK.length));
}
