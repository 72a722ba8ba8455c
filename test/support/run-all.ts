import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { COVERED, isNamed, notRun, readCoverage } from "./coverage.ts";
import { SUMMARY_FILE, type TestSummary } from "./summary-reporter.ts";
import { installTools } from "./system-tools.ts";

/**
 * What `npm test` runs: format and lint, types, tests, scenarios. Each runs even when one before it failed; the last
 * line of the output is `N passed, N failed, N skipped`, where format and types count as one test each.
 * `--unit` leaves out test/scenarios, which need a container engine.
 */

const NODE_OLDEST = [22, 22] as const;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
/** At most; each is shown whole where it happened. */
const FAILURES_NAMED = 10;
const NOTHING: TestSummary = { passed: 0, seen: [], failed: 0, failures: [], skipped: [] };

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor < NODE_OLDEST[1])) {
  console.error(
    `The tests need Node ${NODE_OLDEST.join(".")} or newer; this is Node ${process.versions.node} (${process.execPath}).`,
  );
  console.error("`npm ci` installs a Node that fits, and `npm test` runs it.");
  console.log("0 passed, 1 failed, 0 skipped");
  process.exit(1);
}

let running: ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    running?.kill(signal);
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

const isUnit = process.argv.includes("--unit");
installTools({ withBrowser: !isUnit });
const format = await passes("format and lint", "biome", ["check", "."]);
const types = await passes("types", "tsc", ["--noEmit"]);
const tests = await runTests("tests", "vitest.config.ts", isUnit ? ["--exclude=test/browser/**"] : []);
const scenarios = isUnit ? NOTHING : await runTests("scenarios", "vitest.scenarios.config.ts");
const skipped = [...tests.skipped, ...scenarios.skipped];
const failures = [...tests.failures, ...scenarios.failures];

const coverage = COVERED.flatMap((file) => readCoverage(readFileSync(join(ROOT, file), "utf8")));
const unseen = notRun(coverage, [...tests.seen, ...scenarios.seen], isRunHere);

const passed = tests.passed + scenarios.passed + Number(format) + Number(types);
const failed = tests.failed + scenarios.failed + Number(!format) + Number(!types) + Number(unseen.length > 0);
heading("summary");
for (const { test, reason } of skipped) {
  console.log(`skipped: ${test}\n         ${reason}`);
  for (const { what, tests: named } of coverage)
    if (named.some((each) => isNamed(each, test))) console.log(`         not proved here: ${what}`);
}
for (const { file, name } of unseen)
  console.log(`failed: the documents name a test that did not run: ${file} > ${name}`);
if (!format) console.log("failed: format and lint (`npm run format` mends what it can)");
if (!types) console.log("failed: types");
for (const { test, error } of failures.slice(0, FAILURES_NAMED)) {
  console.log(`failed: ${test}\n${error.replace(/^/gm, "        ")}`);
}
for (const [title, summary] of Object.entries({ tests, scenarios })) {
  if (summary.failed > 0) console.log(`failed: ${summary.failed} of the ${title}`);
}
if (tests.passed + tests.failed === 0) console.log("failed: no test ran");
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || tests.passed === 0 ? 1 : 0;

/** Whether a file is among those that this run looks at. */
function isRunHere(file: string): boolean {
  return !isUnit || !/^test\/(?:scenarios|browser)\//.test(file);
}

async function runTests(title: string, config: string, more: string[] = []): Promise<TestSummary> {
  const folder = mkdtempSync(join(tmpdir(), "afk-test-"));
  const file = join(folder, "summary.json");
  try {
    const reporter = join(ROOT, "test/support/summary-reporter.ts");
    const args = ["run", `--config=${config}`, "--reporter=default", `--reporter=${reporter}`, ...more];
    const isGreen = await passes(title, "vitest", args, { [SUMMARY_FILE]: file });
    const summary = readSummary(file);
    // A run that ended badly without a failed test (it crashed, or could not stop) is a failure all the same.
    return { ...summary, failed: isGreen ? summary.failed : Math.max(1, summary.failed) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readSummary(file: string): TestSummary {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`The tests left no summary: ${error instanceof Error ? error.message : error}`);
    return { ...NOTHING, failed: 1 };
  }
}

/** Runs an installed tool under this very Node and with nothing on its standard input. */
function passes(
  title: string,
  tool: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<boolean> {
  heading(title);
  const path = [dirname(process.execPath), BIN, process.env.PATH].join(delimiter);
  return new Promise((resolve) => {
    running = spawn(join(BIN, tool), args, {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...environment, PATH: path },
    });
    running.once("error", (error) => {
      console.error(`${tool} could not be started: ${error.message}`);
      resolve(false);
    });
    running.once("close", (code) => resolve(code === 0));
  });
}

function heading(title: string): void {
  console.log(`\n== ${title}`);
}
