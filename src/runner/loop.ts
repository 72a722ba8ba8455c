import { EXIT } from "../lib/errors.ts";
import { nextRunAt } from "../queue/claim.ts";
import { readStop } from "../rails/kill.ts";
import type { Parts } from "./parts.ts";
import { nextDueAt } from "./phases/enqueue-due.ts";
import { forgetRun, recordRun } from "./run-record.ts";
import { runTick, type TickResult } from "./tick.ts";

/**
 * Ticks on schedule, when new work appears and when afk.yaml was changed, until the kill switch is set or the process is told to end (which trips
 * the same watch). The caller holds the lock. Returns the exit code.
 */
export async function runLoop(
  given: Parts,
  runner: string,
  onTick?: (result: TickResult) => void,
): Promise<number> {
  return await recordRun(given, () => untilStopped(given, runner, onTick));
}

/** One tick that a timer or a person asks for. The caller holds the lock. */
export async function runOnce(
  parts: Parts,
  runner: string,
  options: { byHand: boolean },
): Promise<TickResult> {
  // By hand it says nothing of how the agent runs.
  if (!options.byHand) await forgetRun(parts);
  return await runTick(parts, runner, options);
}

async function untilStopped(
  given: Parts,
  runner: string,
  onTick?: (result: TickResult) => void,
): Promise<number> {
  const { signal } = given.rails.watch;
  const release = given.rails.watch.hold("idle");
  try {
    for (;;) {
      const parts = { ...given, ...(await given.renew()) };
      // Taken before the tick: what somebody adds after its last look at the queue is then seen as new.
      const version = parts.store.changes.seen();
      const result = await runTick(parts, runner);
      onTick?.(result);
      if (await isKilled(parts)) return EXIT.ok;
      await untilWork(parts, signal, version);
      if (signal.aborted) return EXIT.ok;
    }
  } finally {
    release();
  }
}

/** A tick that a cap halted is followed by others, which may find room; one that saw the kill switch is the last. */
async function isKilled(parts: Parts): Promise<boolean> {
  return parts.rails.watch.signal.aborted || (await readStop(parts.rails)) !== null;
}

/**
 * Waits for the next tick's time, the next due job, another configuration, or work that somebody has added since the
 * database was at `sinceVersion`, whichever is first. When a job is due is asked again only when somebody has committed: it changes
 * with what is committed, and with nothing else.
 */
async function untilWork(parts: Parts, signal: AbortSignal, sinceVersion: number): Promise<void> {
  const endsAt = parts.clock.nowMs() + parts.config.tickSeconds * 1_000;
  let version = sinceVersion;
  let dueAt = await nextDueAt(parts);
  while (!signal.aborted && parts.clock.nowMs() < endsAt) {
    // The sleep rejects when the watch trips; the caller looks at the signal.
    await parts.clock.idle(signal).catch(() => undefined);
    if (parts.hasNews()) return;
    const current = parts.store.changes.seen();
    if (current !== version) {
      const runAt = await nextRunAt(parts.store.db);
      if (runAt !== undefined && runAt <= parts.clock.nowMs()) return;
      dueAt = await nextDueAt(parts);
    }
    version = current;
    if (dueAt !== null && dueAt <= parts.clock.nowMs()) return;
  }
}
