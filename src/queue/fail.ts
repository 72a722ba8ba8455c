import type { Announce } from "../alerts/outbox.ts";
import { DAY_MS } from "../lib/durations.ts";
import { messageOf, type Retry } from "../lib/errors.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Trx } from "../store/schema.ts";
import { backoffMs } from "./backoff.ts";
import { bury } from "./dead-letter.ts";
import { type JobRow, LeaseLost } from "./job.ts";

/** As long as a breaker may stay open; what asks for more is asked again. */
const WAIT_MAX_MS = 30 * DAY_MS;

export interface Failure {
  error: unknown;
  retry: Retry;
  tick: string | null;
}

/** Where a failed job went: ready again at `runAt`, or to the dead letters. */
export type FailOutcome = { state: "ready"; runAt: number } | { state: "dead" };

/**
 * Ends an attempt that failed. Dead at once when trying again cannot heal it, dead when the attempts are used up,
 * otherwise ready again after backoff, or after what the error itself asked for.
 * @throws LeaseLost when the claim is no longer the newest one.
 */
export async function fail(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  failure: Failure,
  nowMs: number,
  randomness: Randomness,
): Promise<FailOutcome> {
  const error = messageOf(failure.error).slice(0, 4_000);
  if (failure.retry === "never" || job.attempts >= job.max_attempts) {
    await bury(trx, announce, job, error, failure.tick, nowMs);
    return { state: "dead" };
  }
  const waitMs = waitOf(failure.retry, job.attempts, randomness);
  await giveBack(trx, job, { runAt: nowMs + waitMs, attempts: job.attempts, error }, nowMs);
  return { state: "ready", runAt: nowMs + waitMs };
}

/** What an error asks for is the word of a server, or of somebody's code: bounded, and ignored where it is no time. */
function waitOf(retry: Retry, attempts: number, randomness: Randomness): number {
  if (typeof retry !== "object" || !Number.isFinite(retry.afterMs)) return backoffMs(attempts, randomness);
  return Math.min(Math.max(0, Math.ceil(retry.afterMs)), WAIT_MAX_MS);
}

/** A rail stopped the job, which is no fault of its own: ready again at `runAt`, and the attempt does not count. */
export async function unclaim(
  trx: Trx,
  job: JobRow,
  reason: string,
  runAt: number,
  nowMs: number,
): Promise<void> {
  await giveBack(trx, job, { runAt, attempts: job.attempts - 1, error: reason.slice(0, 4_000) }, nowMs);
}

async function giveBack(
  trx: Trx,
  job: JobRow,
  to: { runAt: number; attempts: number; error: string },
  nowMs: number,
): Promise<void> {
  const result = await trx
    .updateTable("jobs")
    .set({
      state: "ready",
      lease_until: null,
      runner: null,
      run_at: to.runAt,
      attempts: to.attempts,
      error: to.error,
      updated_at: nowMs,
    })
    .where("id", "=", job.id)
    .where("token", "=", job.token)
    .where("state", "=", "running")
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new LeaseLost(job);
}
