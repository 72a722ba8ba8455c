import { EXIT } from "../lib/errors.ts";
import { Killed } from "../rails/halt.ts";
import { readStop } from "../rails/kill.ts";
import { readMeta, runKeys, writeMeta } from "../store/meta.ts";
import type { Dependencies, Uses } from "./dependencies.ts";
import { untilWork } from "./phases/until-work.ts";
import { runTick, type TickResult } from "./tick.ts";

/**
 * Ticks on schedule, when new work appears and when afk.yaml was changed, until the kill switch is set or the process is
 * told to end (which trips the same watch). The caller holds the lock. Returns the exit code.
 */
export async function runLoop(
  given: Dependencies,
  runner: string,
  onTick?: (result: TickResult) => void,
): Promise<number> {
  return await recordRun(given, async () => {
    const releases = [given.rails.watch.hold("idle"), given.sender.hold()];
    try {
      return await untilStopped(given, runner, onTick);
    } finally {
      for (const release of releases) release();
    }
  });
}

/** One tick that a timer or a person asks for. The caller holds the lock. */
export async function runOnce(
  dependencies: Dependencies,
  runner: string,
  options: { byHand: boolean },
): Promise<TickResult> {
  // By hand it says nothing of how the agent runs.
  if (!options.byHand) await forgetRun(dependencies);
  return await runTick(dependencies, runner, options);
}

async function untilStopped(
  given: Dependencies,
  runner: string,
  onTick?: (result: TickResult) => void,
): Promise<number> {
  const { signal } = given.rails.watch;
  for (;;) {
    const dependencies = { ...given, ...(await given.renew()) };
    // Taken before the tick: what somebody adds after its last look at the queue is then seen as new.
    const version = await given.store.changes.seen();
    const result = await runTick(dependencies, runner);
    onTick?.(result);
    // A tick that a cap halted is followed by others, which may find room; one that saw the kill switch is the last.
    if (signal.aborted) return exitCodeOf(signal);
    if ((await readStop(given.rails)) !== null) return EXIT.ok;
    await untilWork(dependencies, signal, version, result.outcome === "halted" ? result : null);
    if (signal.aborted) return exitCodeOf(signal);
  }
}

/** Stopped on purpose, or since the database does not answer: then it is to be started again. */
function exitCodeOf({ reason }: AbortSignal): number {
  return reason instanceof Killed ? reason.exitCode : EXIT.ok;
}

/**
 * Does `work` as a loop whose beginning and end are on record: one that began, did not end, and holds no lock has died,
 * which nobody would notice before its next tick is late. An error is no end: it is reported as a death is.
 */
async function recordRun<T>(
  { store, rails, clock, log }: Uses<"store" | "rails" | "clock" | "log">,
  work: () => Promise<T>,
): Promise<T> {
  log.event("info", "run_started");
  const { began, ended } = runKeys(rails.machine?.id ?? null);
  await store.atomically(async (trx) => {
    await writeMeta(trx, began, clock.nowMs());
    await writeMeta(trx, ended, 0);
  });
  const result = await work();
  await store.atomically((trx) => writeMeta(trx, ended, clock.nowMs()));
  log.event("info", "run_ended");
  return result;
}

/** A tick from elsewhere, a timer for one, is how the agent runs now: between two of them nobody is missing. */
async function forgetRun({ store, rails }: Uses<"store" | "rails">): Promise<void> {
  const { began } = runKeys(rails.machine?.id ?? null);
  if ((await readMeta(store.db, began)) === 0) return;
  await store.atomically((trx) => writeMeta(trx, began, 0));
}
