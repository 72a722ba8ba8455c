import type { Db } from "../store/schema.ts";
import { type Claim, LEASE_MS } from "./job.ts";

/** Renews the lease. False when the claim is no longer the newest one: stop, the work is somebody else's now. */
export async function extend(db: Db, claim: Claim, nowMs: number): Promise<boolean> {
  const result = await db
    .updateTable("jobs")
    .set({ lease_until: nowMs + LEASE_MS, updated_at: nowMs })
    .where("id", "=", claim.id)
    .where("token", "=", claim.token)
    .where("state", "=", "running")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
