import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import { MINUTE_MS } from "../lib/durations.ts";
import type { Schema } from "../store/schema.ts";
import { finish } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import type { Ending } from "./ledger.ts";
import { type Part, runnersOf } from "./machine.ts";
import type { Rails } from "./rails.ts";

/** Longer than whoever makes a call asks for the database after its deadline, to write down how it ended. */
const CALL_MARGIN_MS = MINUTE_MS;
/** Entries settled in one section. */
const RECOVER_MAX = 1_000;

/** How many calls of a process that is gone were ended, and as what. */
export interface RecoveredCalls {
  unknown: number;
  released: number;
}

/** Whether an open entry belongs to a process that is gone. */
type IsOrphan = (eb: ExpressionBuilder<Schema, "ledger">) => Expression<SqlBool>;

/**
 * Ends calls whose process is gone. `runner` holds the lock, so the calls of every other lock holder are orphaned; those
 * of processes without the lock are over when their deadline has passed. What was marked sending may have been
 * billed and stays charged; what was not was never sent and is given back.
 *
 * In a fleet the lock says so of this machine's alone: a call of another one, which may be at work, is over some time after its
 * deadline.
 */
export async function recoverCalls(rails: Rails, runner: string): Promise<RecoveredCalls> {
  const wallMs = rails.clock.nowMs();
  const { machine } = rails;
  if (machine === null)
    return await endOrphans(rails, (eb) =>
      eb.or([eb("runner", "!=", runner), eb("deadline_at", "<", wallMs)]),
    );
  const isFormer = formerOf({ id: machine.id, runner }, "worker");
  return await endOrphans(rails, (eb) =>
    eb.or([isFormer(eb), eb("deadline_at", "<", wallMs - CALL_MARGIN_MS)]),
  );
}

/**
 * Ends the calls that clients had under way at a gateway which is gone. The caller holds the gateway's lock and serves nobody
 * yet, so each of them is another process's. A client's calls are made by a gateway alone; those of a job's run have a runner.
 * @param gateway in a fleet, where a client's calls have the runner of their gateway and the lock is one machine's: whose it is
 */
export async function recoverClientCalls(
  rails: Rails,
  gateway: { id: string; runner: string } | null = null,
): Promise<RecoveredCalls> {
  const isOrphan: IsOrphan =
    gateway === null
      ? (eb) => eb.and([eb("client", "is not", null), eb("runner", "is", null)])
      : formerOf(gateway, "gateway");
  const ended = { unknown: 0, released: 0 };
  for (;;) {
    const { unknown, released } = await endOrphans(rails, isOrphan);
    ended.unknown += unknown;
    ended.released += released;
    if (unknown + released < RECOVER_MAX) return ended;
  }
}

/** Calls of the processes that had a part on a machine before the one that has it now. */
function formerOf({ id, runner }: { id: string; runner: string }, part: Part): IsOrphan {
  const { from, below } = runnersOf(id, part);
  return (eb) => eb.and([eb("runner", ">=", from), eb("runner", "<", below), eb("runner", "!=", runner)]);
}

async function endOrphans(rails: Rails, isOrphan: IsOrphan): Promise<RecoveredCalls> {
  return await rails.store.atomically(async (trx) => {
    const counts = { unknown: 0, released: 0 };
    const open = await trx
      .selectFrom("ledger")
      .select(["id", "state"])
      .where("state", "in", ["reserved", "sending"])
      .where(isOrphan)
      .orderBy("id")
      .limit(RECOVER_MAX)
      .execute();
    const budgetMs = await budgetNow(trx, rails.outbox.announce, rails.clock);
    for (const entry of open) {
      const error = "the process that made the call ended before it was answered";
      const ending: Ending = { state: entry.state === "sending" ? "unknown" : "released", error };
      await finish(trx, rails, entry.id, ending, budgetMs);
      counts[ending.state === "unknown" ? "unknown" : "released"] += 1;
    }
    return counts;
  });
}
