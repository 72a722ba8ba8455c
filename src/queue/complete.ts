import type { Trx } from "../store/schema.ts";
import { type Claim, LeaseLost } from "./job.ts";

/**
 * Marks the job done in the caller's transaction, in which its outputs and memories are saved too.
 * @throws LeaseLost when the claim is no longer the newest one; the transaction must then not commit.
 */
export async function complete(trx: Trx, claim: Claim, units: number, nowMs: number): Promise<void> {
  const result = await trx
    .updateTable("jobs")
    .set({ state: "done", lease_until: null, runner: null, error: null, units, updated_at: nowMs })
    .where("id", "=", claim.id)
    .where("token", "=", claim.token)
    .where("state", "=", "running")
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new LeaseLost(claim);
}
