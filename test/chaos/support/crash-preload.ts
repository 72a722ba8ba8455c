import fs, { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
import { watchDurableSteps } from "../../../src/faults/durable-steps.ts";

/*
 * Loaded before afk (`node --import`): counts the durable steps of the process and what the file system is told to keep.
 * CRASH_LOG gets a line a step, before it; CRASH_AT (`7:before`, `7:after`) kills the process around the step of that
 * number. CRASH_ONLY counts those alone whose line matches: the number of others differs from run to run.
 */

const [crashStep = "0", crashSide = ""] = (process.env.CRASH_AT ?? "").split(":");
const log = process.env.CRASH_LOG ?? "";
const only = new RegExp(process.env.CRASH_ONLY ?? "");
let step = 0;

if (isMainThread && log !== "") {
  watchDurableSteps({ durable });
  const { fsyncSync } = fs;
  fs.fsyncSync = (descriptor) => durable("fsync", () => fsyncSync(descriptor));
  syncBuiltinESMExports();
}

function durable<T>(label: string, work: () => T): T {
  if (!only.test(label)) return work();
  step += 1;
  appendFileSync(log, `${label}\n`);
  if (step === Number(crashStep) && crashSide === "before") die();
  const result = work();
  if (step === Number(crashStep) && crashSide === "after") die();
  return result;
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}
