import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import type { RetryConfig } from "../config/config.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Schema, Trx } from "../store/schema.ts";
import { fail } from "./fail.ts";
import type { JobRow } from "./job.ts";

/** Jobs brought back in one pass; the rest come with the next tick. */
const RECOVER_MAX = 1_000;

/**
 * Brings back what no runner works on any more. The caller holds the lock, so a running job of another runner is
 * orphaned: it is due again at once. A job of this runner whose lease has run out hangs: it is due after backoff.
 * Either is dead if its attempts are used up, since a job that kills its process must not do so for ever. Gives how many
 * there were, and those that are dead now.
 *
 * In a fleet the lock says so of `former` alone, the runners that this machine had before: whether another machine's still works
 * on a job, its lease says.
 */
export async function recoverJobs(
  trx: Trx,
  announce: Announce,
  by: {
    runner: string;
    former?: { from: string; below: string } | null;
    tick: string | null;
    retryOf: (name: string) => RetryConfig;
    /** Jobs that run in this process now: a lease of theirs that ran out while the machine slept is renewed. */
    running?: ReadonlySet<string>;
  },
  nowMs: number,
  randomness: Randomness,
): Promise<{ count: number; dead: { job: JobRow; error: string }[] }> {
  await bringBack(trx, nowMs);
  const found = await trx
    .selectFrom("jobs")
    .selectAll()
    .where("state", "=", "running")
    .where((eb) => eb.or([isLeft(eb, by), eb("lease_until", "<=", nowMs)]))
    .limit(RECOVER_MAX)
    .execute();
  const lost = found.filter(({ id, runner }) => runner !== by.runner || by.running?.has(id) !== true);
  const dead: { job: JobRow; error: string }[] = [];
  for (const job of lost) {
    const isOrphan = job.runner !== by.runner;
    const error = isOrphan ? "the process that ran it ended without a word" : "its lease ran out";
    const failure = { error, retry: isOrphan ? { afterMs: 0 } : ("later" as const), tick: by.tick };
    const how = { nowMs, retry: by.retryOf(job.name), randomness };
    const outcome = await fail(trx, announce, job, failure, how);
    if (outcome.state === "dead") dead.push({ job, error });
  }
  return { count: lost.length, dead };
}

function isLeft(
  eb: ExpressionBuilder<Schema, "jobs">,
  { runner, former = null }: { runner: string; former?: { from: string; below: string } | null },
): Expression<SqlBool> {
  const isOthers = eb("runner", "!=", runner);
  if (former === null) return isOthers;
  return eb.and([isOthers, eb("runner", ">=", former.from), eb("runner", "<", former.below)]);
}

/**
 * A job that was put off under a clock that has been set back since waits as long as was meant, and not until that clock's
 * time comes: it might be years away.
 */
async function bringBack(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .updateTable("jobs")
    .set((eb) => ({
      run_at: eb("run_at", "+", eb(eb.val(nowMs), "-", eb.ref("updated_at"))),
      updated_at: nowMs,
    }))
    .where("state", "=", "ready")
    .where("updated_at", ">", nowMs)
    .execute();
}
