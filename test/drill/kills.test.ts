// @module-tag processes
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, it } from "vitest";
import { EFFECTS, type Effects } from "../../src/drill/harness.ts";
import { PROCESSES } from "../support/afk.ts";
import { drill, expectFailure, expectNothingLeft, scratchFolders } from "./harness.ts";

/** How long a kill is waited for that does not come. */
const PATIENCE_MS = 2_000;

afterEach(expectNothingLeft);

it("fails when the kill does nothing, and takes down what it started", PROCESSES, async () => {
  const idle: Partial<Effects> = { signal: () => {}, touch: () => {} };
  const how = { effects: idle, patienceMs: PATIENCE_MS };
  const [file, process, crash, block] = await Promise.all([
    drill("stop-file", how),
    drill("stop-process", how),
    drill("crash", how),
    drill("wedge", how),
  ]);

  await expectFailure(file, /the call in flight is aborted; found: not within 2 s/);
  await expectFailure(process, /none of the \d processes .* after SIGTERM; found: not within 2 s/);
  await expectFailure(crash, /the worker is gone; found: not within 2 s/);
  await expectFailure(block, /its event loop is blocked; found: not within 2 s/);
  expect(existsSync(join(process.target.state, "runs", "kill-test-2.md"))).toBe(true);
});

it("fails when the worker is killed that was only asked to end", PROCESSES, async () => {
  const effects: Partial<Effects> = { signal: (pid) => EFFECTS.signal(pid, "SIGKILL") };
  await expectFailure(await drill("stop-process", { effects }), /the worker obeyed.*found: SIGKILL/);
});

it("wedge fails when the event loop stands still for a moment only", PROCESSES, async () => {
  // The file that says so is there, and the worker can still hear SIGTERM.
  const signal: Effects["signal"] = (pid, name) => {
    if (name === "SIGUSR2")
      for (const folder of scratchFolders()) writeFileSync(join(folder, "1", "blocked"), "");
    else EFFECTS.signal(pid, name);
  };
  await expectFailure(await drill("wedge", { effects: { signal } }), /it is wedged/);
});

it("crash fails when what was answered is asked again", PROCESSES, async () => {
  const signal: Effects["signal"] = (pid, name) => {
    EFFECTS.signal(pid, name);
    forgetSteps();
  };
  await expectFailure(await drill("crash", { effects: { signal } }), /no answered question was asked again/);
});

/** As if the steps of the killed job had never been recorded. */
function forgetSteps(): void {
  for (const folder of scratchFolders()) {
    const database = new Database(join(folder, "1", "state", "afk.db"), { timeout: 5_000 });
    database.exec("delete from steps");
    database.close();
  }
}
