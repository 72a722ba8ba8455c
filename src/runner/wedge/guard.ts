import { Worker } from "node:worker_threads";
import type { Config } from "../../config/config.ts";
import { IDLE_MS, idlePause, pause, systemClock } from "../../lib/clock.ts";
import { AfkError, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { OpenedFile } from "../../lib/opened-files.ts";
import { siblingScript } from "../../lib/sibling-script.ts";
import { endThread } from "../../lib/threads.ts";
import type { KillWatch } from "../../rails/kill-watch.ts";
import { FLAG, type Flags, followLooks, newFlags } from "./flags.ts";
import type { KillLooksTask } from "./kill-looks-thread.ts";
import { WEDGE_LIMITS, type WedgeLimits } from "./steps.ts";

/** The guard cannot watch any more, so the work was stopped. */
export class GuardLost extends AfkError {
  constructor(cause: unknown) {
    super("guard_lost", `the wedge guard ended (${messageOf(cause)}); nothing runs without it`, { cause });
  }
}

/** The process to guard, and what its guard needs to know of it. */
export interface GuardedProcess {
  config: Pick<Config, "database" | "paths" | "retention" | "secrets">;
  watch: KillWatch;
  log: Log;
  /** What has to stay in its place while the work lasts. */
  files: readonly OpenedFile[];
  limits?: WedgeLimits | undefined;
  /** A gateway, which stays up while the kill switch is set (steps.ts, `mayStay`). */
  outlivesSwitch?: boolean;
}

/** Says whether jobs are being run, which a set kill switch must end soon; a stopped agent may still send its alerts. */
export type SetAtWork = (isAtWork: boolean) => void;

/** What the main thread hands to its guard when it starts it. */
export interface WedgeTask {
  /** Shared between the threads, indexed by FLAG. */
  flags: Flags;
  limits: WedgeLimits;
  outlivesSwitch: boolean;
  /** The switch's row is in a fleet's database, and another thread looks at it. */
  isFleet: boolean;
  /** Of the state, as they were opened. */
  files: readonly OpenedFile[];
  paths: Config["paths"];
  logMaxBytes: number;
  /** For the redactor of its log line. */
  secrets: string[];
}

/** How long the thread may take to end once it is told; it needs some milliseconds, and a busy machine to start it first. */
const END_MS = 5_000;
/** It may wait for a database that does not answer. */
const LOOKS_END_MS = 1_500;

/**
 * Does `work` under a guard: a thread that kills this process when the kill switch is set and the work does not end, or
 * when the event loop stands still (steps.ts says how long). It starts beside the work, which does not wait for it. A guard
 * that fails stops the work: the watch trips, and the error is thrown when the work has ended.
 * @throws GuardLost, or what `work` throws.
 */
export async function underWedgeGuard<T>(
  guarded: GuardedProcess,
  work: (setAtWork: SetAtWork) => Promise<T>,
): Promise<T> {
  const { config, files, log, watch, limits = WEDGE_LIMITS } = guarded;
  const flags = newFlags();
  const set = (flag: keyof typeof FLAG, value: boolean) => Atomics.store(flags, FLAG[flag], Number(value));
  const lost = new AbortController();
  let isDone = false;
  const lose = (cause: unknown) => {
    if (isDone || lost.signal.aborted) return;
    const error = new GuardLost(cause);
    lost.abort(error);
    log.event("error", "guard_lost", { error: error.message });
    watch.trip({ by: "signal", at: systemClock.nowMs(), reason: error.message });
  };
  const tellToEnd = () => set("isToldToEnd", true);
  // A thread that is only just starting can miss that it is terminated. It would go on, and kill this process for being
  // silent while it waits for its thread: so the thread is told too, also where the process ends in the middle of work.
  const tellDone = () => {
    set("isDone", true);
    Atomics.notify(flags, FLAG.isDone);
  };
  const { database, paths, secrets, retention } = config;
  const { outlivesSwitch = false } = guarded;
  const isFleet = database !== null;
  const { logMaxBytes } = retention;
  const task: WedgeTask = { flags, limits, outlivesSwitch, isFleet, files, paths, secrets, logMaxBytes };
  const worker = startThread("wedge-guard", siblingScript("wedge-thread", import.meta.url), task, lose);
  const looking = database === null ? null : startLooks({ flags, target: database }, lose);
  watch.terminated.addEventListener("abort", tellToEnd);
  process.once("exit", tellDone);
  const endLiveness = showLiveness(flags, limits, () => {
    if (isFleet)
      watch.trip({ by: "database", at: 0, reason: BLIND, remedy: "it goes on once the database answers" });
  });
  try {
    const result = await work((isAtWork) => {
      set("isAtWork", isAtWork);
      if (isAtWork) looking?.postMessage("at work");
    });
    lost.signal.throwIfAborted();
    return result;
  } finally {
    isDone = true;
    endLiveness();
    watch.terminated.removeEventListener("abort", tellToEnd);
    process.removeListener("exit", tellDone);
    tellDone();
    looking?.postMessage("done");
    if (looking !== null) await endThread(looking, LOOKS_END_MS);
    if (worker !== null) await endThread(worker, END_MS);
  }
}

/** Why a process ends whose guard could not look at a fleet's switch; the guard would kill it a little later. */
const BLIND =
  "the guard could not look at the database for 5 s, so whether the kill switch is set cannot be told";

/** Shows the guard that the event loop turns, in real time, until the returned function is called. */
function showLiveness(flags: Flags, { livenessMs }: WedgeLimits, onStale: () => void): () => void {
  let hasEnded = false;
  const looks = followLooks(flags, livenessMs);
  let nap = pause(0);
  const show = async () => {
    while (!hasEnded) {
      Atomics.add(flags, FLAG.liveness, 1);
      if (looks.step().isStale) onStale();
      nap = livenessMs < IDLE_MS ? pause(livenessMs) : idlePause();
      await nap.over;
    }
  };
  void show();
  return () => {
    hasEnded = true;
    nap.end();
  };
}

/** It is small, so that it adds little to what the process may use; and it never keeps the process from ending. */
function startThread(
  name: string,
  script: URL,
  workerData: WedgeTask | KillLooksTask,
  lose: (cause: unknown) => void,
): Worker | null {
  try {
    const worker = new Worker(script, {
      name,
      workerData,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    worker.once("error", lose);
    worker.once("exit", () => lose("its thread is gone"));
    return worker;
  } catch (error) {
    lose(error);
    return null;
  }
}

function startLooks(task: KillLooksTask, lose: (cause: unknown) => void): Worker | null {
  return startThread("kill-looks", siblingScript("kill-looks-thread", import.meta.url), task, lose);
}
