import { viewOf } from "../lib/view.ts";
import type { Db } from "../store/schema.ts";

/** The newest `limit` guarded calls, or those of them whose outcome is unknown. Money in micro-dollars. */
export async function listLedger(db: Db, filter: { unknown: boolean; limit: number }) {
  const rows = await db
    .selectFrom("ledger")
    .select(["id", "created_at", "model", "state", "estimate_micros", "cost_micros", "input_tokens"])
    .select(["output_tokens", "degraded", "tick", "job", "step", "error"])
    .$if(filter.unknown, (query) => query.where("state", "=", "unknown"))
    .orderBy("id", "desc")
    .limit(filter.limit)
    .execute();
  return rows.map((row) => ({ ...viewOf(row), degraded: row.degraded === 1 }));
}
