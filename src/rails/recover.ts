import { finish } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import type { Ending } from "./ledger.ts";
import type { Rails } from "./rails.ts";

/** Entries settled in one pass; the rest come with the next tick. */
const RECOVER_MAX = 1_000;

/**
 * Ends calls whose process is gone. `runner` holds the lock, so the calls of every other lock holder are orphaned; those
 * of processes without the lock are over when their deadline has passed. What was marked sending may have been
 * billed and stays charged; what was not was never sent and is given back.
 */
export async function recoverCalls(
  rails: Rails,
  runner: string,
): Promise<{ unknown: number; released: number }> {
  return await rails.store.atomically(async (trx) => {
    const counts = { unknown: 0, released: 0 };
    const wallMs = rails.clock.nowMs();
    const open = await trx
      .selectFrom("ledger")
      .select(["id", "state"])
      .where("state", "in", ["reserved", "sending"])
      .where((eb) => eb.or([eb("runner", "!=", runner), eb("deadline_at", "<", wallMs)]))
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
