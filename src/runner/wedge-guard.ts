import type { Worker } from "node:worker_threads";
import type { Config } from "../config/config.ts";
import { systemClock } from "../lib/clock.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import { endThread } from "../lib/threads.ts";
import type { KillWatch } from "../rails/kill-watch.ts";
import type { OpenedFile } from "../store/sqlite/opened-files.ts";
import { showLife } from "./sign-of-life.ts";
import { wedgeMarkerIn } from "./wedge-marker.ts";
import { WEDGE_LIMITS, type WedgeLimits } from "./wedge-steps.ts";
import { createFlags, FLAG, type WedgeTask } from "./wedge-task.ts";

/** The guard cannot watch any more, so the work was stopped. */
export class GuardLost extends AfkError {
  constructor(cause: unknown) {
    super("guard_lost", `the wedge guard ended (${messageOf(cause)}); nothing runs without it`, { cause });
  }
}

export interface GuardedProcess {
  config: Pick<Config, "paths" | "retention" | "secrets">;
  watch: KillWatch;
  log: Log;
  /** What has to stay in its place while the work lasts. */
  files: readonly OpenedFile[];
  limits?: WedgeLimits | undefined;
}

/** How long the thread may take to end once it is told; it needs some milliseconds, and a busy machine to start it first. */
const END_MS = 5_000;

/** What the work tells its guard. */
export interface WedgeGuard {
  /** To be called before anything that may hang: code of a job, bytes from outside, a long look at the disk. */
  watch(): void;
  /** Says whether work is under way, which a set kill switch must end soon; a stopped agent may still use its pager. */
  sayWork(isAtWork: boolean): void;
}

/**
 * Does `work` under a guard: a thread that kills this process when the kill switch is set and the work does not end, or
 * when the event loop stands still (wedge-steps.ts says how long). It starts when the work calls for it, and without a
 * call after one step: a process that only looks whether there is anything to do is gone by then, and saves what the
 * thread takes. It starts beside the work, which does not wait for it. A guard that fails stops the work: the watch
 * trips, and the error is thrown when the work has ended.
 * @throws GuardLost, or what `work` throws.
 */
export async function underWedgeGuard<T>(
  guarded: GuardedProcess,
  work: (guard: WedgeGuard) => Promise<T>,
): Promise<T> {
  const flags = createFlags();
  const limits = guarded.limits ?? WEDGE_LIMITS;
  const lost = new AbortController();
  const done = new AbortController();
  let worker: Worker | undefined;
  const lose = (cause: unknown) => {
    if (!done.signal.aborted) lost.abort(new GuardLost(cause));
  };
  const watch = () => {
    if (worker !== undefined || lost.signal.aborted) return;
    try {
      worker = startWorker(taskOf(guarded, flags, limits));
    } catch (error) {
      return lose(error);
    }
    worker.once("error", lose);
    worker.once("exit", () => lose("its thread is gone"));
  };
  // It rejects when the work is done before.
  void systemClock.sleep(limits.stepMs, done.signal).then(watch, () => undefined);
  lost.signal.addEventListener("abort", () => tellLost(guarded, lost.signal.reason));
  const tellToEnd = () => Atomics.store(flags, FLAG.isToldToEnd, 1);
  guarded.watch.terminated.addEventListener("abort", tellToEnd);

  // A thread that is only just starting can miss that it is terminated. It would go on, and kill this process for being
  // silent while it waits for its thread: so the thread is told too, also where the process ends in the middle of work.
  const tellDone = () => {
    Atomics.store(flags, FLAG.isDone, 1);
    Atomics.add(flags, FLAG.begun, 1);
    Atomics.notify(flags, FLAG.begun);
  };
  process.once("exit", tellDone);
  const life = showLife(flags, limits);
  try {
    const result = await work({ watch, sayWork: life.sayWork });
    lost.signal.throwIfAborted();
    return result;
  } finally {
    done.abort();
    life.end();
    guarded.watch.terminated.removeEventListener("abort", tellToEnd);
    process.removeListener("exit", tellDone);
    tellDone();
    if (worker !== undefined) await endThread(worker, END_MS);
  }
}

const FILE = siblingScript("wedge-worker", import.meta.url);

/** It is small, so that it adds little to what the process may use; and it never keeps the process from ending. */
function startWorker(task: WedgeTask): Worker {
  // Loaded with the first thread: most ticks start none.
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
  const worker = new Worker(FILE, { name: "wedge-guard", workerData: task, execArgv: [], resourceLimits });
  worker.unref();
  return worker;
}

function taskOf(
  { config, files }: GuardedProcess,
  flags: WedgeTask["flags"],
  limits: WedgeLimits,
): WedgeTask {
  const { database, stopFile, logs, state } = config.paths;
  return {
    flags,
    limits,
    files,
    database,
    stopFile,
    logs,
    marker: wedgeMarkerIn(state),
    logMaxBytes: config.retention.logMaxBytes,
    secrets: config.secrets,
  };
}

function tellLost({ log, watch }: GuardedProcess, error: GuardLost): void {
  log.event("error", "guard_lost", { error: error.message });
  watch.trip({ by: "signal", at: systemClock.nowMs(), reason: error.message });
}
