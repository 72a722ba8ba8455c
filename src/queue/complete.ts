import { sql } from "kysely";
import { prepared } from "../store/prepared.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Trx } from "../store/schema.ts";
import { type Claim, LeaseLost, UNCLAIMED } from "./job.ts";

/**
 * Marks the job done in the caller's transaction, in which its outputs and memories are saved too.
 * @throws LeaseLost when the claim is no longer the newest one; the transaction must then not commit.
 */
export async function complete(trx: Trx, claim: Claim, units: number, nowMs: number): Promise<void> {
  const { numAffectedRows } = await markDone(trx, { ...claim, units, nowMs });
  if (numAffectedRows !== 1n) throw new LeaseLost(claim);
}

const markDone = prepared((db, job: Claim & { units: number; nowMs: number }) =>
  db
    .updateTable("jobs")
    .set({
      state: "done",
      ...UNCLAIMED,
      error: null,
      waiting_since: null,
      units: job.units,
      updated_at: job.nowMs,
    })
    .where("id", "=", job.id)
    .where("token", "=", job.token)
    .where("state", "=", sql.lit<JobState>("running")),
);
