import type { Announce } from "../alerts/outbox.ts";
import { toIso } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration-text.ts";
import type { Db, Trx } from "../store/schema.ts";
import { deadLetter } from "./dead-letter.ts";
import { askedWaitMs, errorText, type FailHow, type Failure, giveBack, outageBackoffMs } from "./fail.ts";
import type { JobRow } from "./job.ts";

/** `isLast`: when the job is tried then, it has waited as long as it may. */
export type WaitOutcome = { state: "ready"; runAt: number; isLast: boolean } | { state: "dead" };

/**
 * Ends an attempt in which what the job needs was down, which is no fault of the job: the attempt does not count. Ready again
 * when the error says that it makes sense (a breaker's probe), else after backoff. Dead once it has failed so for as long as
 * `give_up_after` allows, counted from the first such failure in a row.
 * @throws LeaseLost when the claim is no longer the newest one.
 */
export async function wait(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  failure: Failure,
  { nowMs, retry, randomness }: FailHow,
): Promise<WaitOutcome> {
  // Under a clock that was set back since, the wait begins anew.
  const since = Math.min(job.waiting_since ?? nowMs, nowMs);
  const giveUpAt = since + retry.giveUpAfterMs;
  if (nowMs >= giveUpAt) {
    const limit = formatDuration(retry.giveUpAfterMs);
    const fate = `waited since ${toIso(since)} for what is down`;
    const error = `given up after ${limit} (retry.give_up_after), in which it could not be done: ${errorText(failure)}`;
    await deadLetter(trx, announce, job, { ...failure, error, fate, nowMs });
    return { state: "dead" };
  }
  const waitMs = askedWaitMs(failure.retry) ?? outageBackoffMs(nowMs - since, retry, randomness);
  const runAt = Math.min(nowMs + waitMs, giveUpAt);
  const to = { attempts: job.attempts - 1, error: errorText(failure), waiting_since: since };
  await giveBack(trx, job, { run_at: runAt, ...to }, nowMs);
  return { state: "ready", runAt, isLast: runAt === giveUpAt };
}

/** Whether the run of a key is over, or there is none. */
export async function isOver(db: Db, key: string): Promise<boolean> {
  const row = await db.selectFrom("jobs").select("state").where("key", "=", key).executeTakeFirst();
  return row === undefined || row.state === "done" || row.state === "dead";
}

/** Makes a run ready at once where it waits. */
export async function endWait(trx: Trx, key: string, nowMs: number): Promise<void> {
  await trx
    .updateTable("jobs")
    .set({ run_at: nowMs, updated_at: nowMs })
    .where("key", "=", key)
    .where("state", "=", "ready")
    .execute();
}
