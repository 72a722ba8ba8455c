import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { claim, nextRunAt } from "../../queue/claim.ts";
import { unclaim } from "../../queue/fail.ts";
import type { JobRow } from "../../queue/job.ts";
import { runJob } from "../job/run-job.ts";
import type { Parts } from "../parts.ts";
import type { TickOutcome } from "../tick-record.ts";
import { publishOutputs } from "./publish-outputs.ts";

/** A tick claims no further job beyond these, and waits for a retry no longer than that. */
const JOBS_MAX = 100;
const TICK_MS = 50 * MINUTE_MS;
const RETRY_WAIT_MS = MINUTE_MS;
/** So much early, by the wall clock, a timer may end that was set for up to a minute. */
const EARLY_MS = 100;

/** What has become of a tick's work so far. */
export interface Drained {
  outcome: TickOutcome;
  reason: string | null;
  units: number;
  outputs: string[];
  /** Why nothing can be written into `out/`. */
  unwritable: string | null;
  exitCode: number;
}

/** Claims and runs until nothing is due, a rail halts, or the tick's bounds are reached. */
export async function drain(
  parts: Parts,
  ids: { tick: string; runner: string },
  drained: Drained,
): Promise<void> {
  const { db } = parts.store;
  const { signal } = parts.rails.watch;
  // By the uptime: a clock that is set back in the middle must not make the tick longer.
  const endsAt = parts.clock.uptimeMs() + TICK_MS;
  const halted = new Set<string>();
  const failed = new Map<string, { error: unknown; exitCode: number }>();
  let count = 0;
  const goesOn = () => count < JOBS_MAX && parts.clock.uptimeMs() < endsAt && !signal.aborted;
  // What is claimed with the end of another job, and not begun.
  let next: JobRow | undefined;
  try {
    while (goesOn()) {
      next ??=
        (await claim(db, ids.runner, parts.clock.nowMs())) ?? (await waitForRetry(parts, ids.runner, endsAt));
      if (next === undefined) break;
      // The jobs behind one that was halted have had their turn: every one that is left is one that a rail stops. Or the
      // switch was set meanwhile, which a guard that cannot start does too.
      if (halted.has(next.id) || signal.aborted) break;
      const job = next;
      next = undefined;
      count += 1;
      const attempt = await runJob(parts, job, ids, goesOn);
      failed.delete(job.id);
      if (attempt.type === "done") {
        next = attempt.next;
        drained.units += attempt.units;
        // A disk that does not answer is waited for once a tick.
        if (drained.unwritable === null) await publishOutputs(parts, drained);
        if (drained.outcome === "idle") drained.outcome = "ok";
      } else if (attempt.type === "halted") {
        halted.add(job.id);
        Object.assign(drained, { outcome: "halted", reason: attempt.reason.message });
      } else if (attempt.type === "failed") failed.set(job.id, attempt);
    }
  } finally {
    if (next !== undefined) await giveBack(parts, next);
  }
  if (signal.aborted) Object.assign(drained, { outcome: "halted", reason: messageOf(signal.reason) });
  const last = [...failed.values()].at(-1);
  if (last !== undefined)
    Object.assign(drained, { outcome: "failed", reason: messageOf(last.error), exitCode: last.exitCode });
}

/** Ready again in its place, its attempt not counted: it was claimed and not begun. */
async function giveBack(parts: Parts, job: JobRow): Promise<void> {
  const reason = job.error ?? "the tick ended before its turn";
  const { run_at: runAt } = job;
  await parts.store.atomically((trx) => unclaim(trx, job, reason, runAt, parts.clock.nowMs()));
}

/** A retry that falls due soon is waited for; a later one is the next tick's. */
async function waitForRetry(parts: Parts, runner: string, endsAt: number) {
  const runAt = await nextRunAt(parts.store.db);
  if (runAt === undefined) return undefined;
  const { signal } = parts.rails.watch;
  const leftMs = () => runAt - parts.clock.nowMs();
  const waitMs = Math.max(1, leftMs());
  if (waitMs > RETRY_WAIT_MS || parts.clock.uptimeMs() + waitMs > endsAt) return undefined;
  // The sleep rejects when the kill switch is set; the caller looks at the signal next.
  await parts.clock.sleep(waitMs, signal).catch(() => undefined);
  // Else it would have waited for nothing.
  const restMs = leftMs();
  if (restMs > 0 && restMs <= EARLY_MS) await parts.clock.sleep(restMs + 1, signal).catch(() => undefined);
  if (signal.aborted) return undefined;
  return await claim(parts.store.db, runner, parts.clock.nowMs());
}
