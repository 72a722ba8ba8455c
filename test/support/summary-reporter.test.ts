// @module-tag processes
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runNode } from "./run-node.ts";
import { SUMMARY_FILE } from "./summary-reporter.ts";

const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const REPORTER = fileURLToPath(new URL("summary-reporter.ts", import.meta.url));

test("counts what passed, failed and could not be loaded, and gives the reason of every skip", async () => {
  const folder = mkdtempSync(join(tmpdir(), "afk-reporter-"));
  try {
    const file = join(folder, "summary.json");
    writeFileSync(
      join(folder, "some.test.js"),
      `test("passes", () => {});
       test("fails", () => { throw new Error("on purpose"); });
       test.skip("named -- skipped: no engine", () => {});
       test("noted", ({ skip }) => skip("no browser"));
       test.todo("later");
       describe("with a broken hook", () => {
         beforeAll(() => { throw new Error("on purpose"); });
         test("never runs", () => {});
       });`,
    );
    writeFileSync(join(folder, "unloadable.test.js"), `throw new Error("on purpose");`);
    const args = ["run", "--globals", "--root", folder, `--reporter=${REPORTER}`];
    const { code } = await runNode(VITEST, args, { [SUMMARY_FILE]: file });
    expect(code).toBe(1);
    const summary = JSON.parse(readFileSync(file, "utf8"));
    expect(summary.passed).toBe(1);
    expect(summary.seen).toEqual(
      expect.arrayContaining([
        "some.test.js > passes",
        "some.test.js > fails",
        "some.test.js > with a broken hook > never runs",
      ]),
    );
    // The failing test, the broken hook, and the file that cannot be loaded.
    expect(summary.failed).toBe(3);
    expect(summary.failures).toEqual(
      expect.arrayContaining([
        { test: "some.test.js > fails", error: "on purpose" },
        { test: "some.test.js > with a broken hook", error: "on purpose" },
        { test: "unloadable.test.js", error: "on purpose" },
      ]),
    );
    expect(summary.skipped).toEqual(
      expect.arrayContaining([
        { test: "some.test.js > named -- skipped: no engine", reason: "no engine" },
        { test: "some.test.js > noted", reason: "no browser" },
        { test: "some.test.js > later", reason: "no reason given" },
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
