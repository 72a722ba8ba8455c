import { toIso } from "../lib/clock.ts";
import type { LedgerState } from "../store/schema/rails.ts";
import type { Db } from "../store/schema.ts";

/** One guarded call as people see it. Money in micro-dollars, instants ISO 8601 in UTC. */
interface LedgerView {
  id: string;
  createdAt: string;
  model: string;
  state: LedgerState;
  estimateMicros: number;
  costMicros: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
  degraded: boolean;
  tick: string | null;
  job: string | null;
  step: string | null;
  error: string | null;
}

/** The newest `limit` entries, or those of them whose outcome is unknown. */
export async function listLedger(db: Db, filter: { unknown: boolean; limit: number }): Promise<LedgerView[]> {
  const all = db.selectFrom("ledger").selectAll().orderBy("id", "desc").limit(filter.limit);
  const rows = await (filter.unknown ? all.where("state", "=", "unknown") : all).execute();
  return rows.map((row) => ({
    id: row.id,
    createdAt: toIso(row.created_at),
    model: row.model,
    state: row.state,
    estimateMicros: row.estimate_micros,
    costMicros: row.cost_micros,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    degraded: row.degraded === 1,
    tick: row.tick,
    job: row.job,
    step: row.step,
    error: row.error,
  }));
}
