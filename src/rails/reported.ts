import type { Log } from "../lib/log.ts";
import type { Scope } from "../lib/windows.ts";
import { finish, reserveSpent } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import type { Rails } from "./rails.ts";

/** The model that the ledger names for what a program has spent without asking through afk. */
const REPORTED = "reported";

/**
 * Writes down what a program says that it has spent elsewhere, as a call that was settled: it was not afk's to refuse, so it is
 * charged in full whatever the caps say, and what is above them is announced as an overrun.
 */
export async function recordReported(
  rails: Rails,
  { costMicros, log, ...of }: { costMicros: number; scope: Scope; runner: string; log: Log },
): Promise<void> {
  const entry = await rails.store.atomically(async (trx) => {
    const times = {
      budgetMs: await budgetNow(trx, rails.outbox.announce, rails.clock),
      wallMs: rails.clock.nowMs(),
    };
    const call = { model: REPORTED, estimateMicros: costMicros, estimateTokens: 0, deadlineMs: 0 };
    const kept = { step: null, requestHash: null, isDegraded: false };
    const id = await reserveSpent(trx, rails, { ...call, ...kept, ...of }, times);
    const figures = { costMicros, inputTokens: null, outputTokens: null };
    await finish(trx, rails, id, { state: "settled", ...figures }, times.budgetMs);
    return id;
  });
  log.event("info", "call_done", { model: REPORTED, entry, costMicros });
}
