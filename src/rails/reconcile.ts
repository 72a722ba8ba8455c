import { AfkError, EXIT } from "../lib/errors.ts";
import { finish } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import type { Ending } from "./ledger.ts";
import type { Rails } from "./rails.ts";

/**
 * Settles an unknown call at what it cost, confirmed by a person, in micro-dollars; that replaces the worst case in every window it counted in.
 * @throws AfkError when there is no such entry or its cost is not unknown.
 */
export async function reconcile(rails: Rails, entryId: string, costMicros: number): Promise<void> {
  await rails.store.atomically(async (trx) => {
    const entry = await trx.selectFrom("ledger").select("state").where("id", "=", entryId).executeTakeFirst();
    if (entry?.state !== "unknown") {
      const found = entry === undefined ? "there is no such entry" : `it is ${entry.state}`;
      const message = `ledger entry ${entryId} cannot be reconciled: ${found}; see: afk ledger list --unknown`;
      throw new AfkError("not_unknown", message, { retry: "never", exitCode: EXIT.usage });
    }
    const figures = { costMicros, inputTokens: null, outputTokens: null };
    const budgetMs = await budgetNow(trx, rails.outbox.announce, rails.clock);
    const ending: Ending = { state: "settled", ...figures, error: "reconciled by hand" };
    await finish(trx, rails, entryId, ending, budgetMs);
  });
}
