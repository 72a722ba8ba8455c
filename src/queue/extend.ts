import type { Db } from "../store/schema.ts";
import { type Claim, changeClaimed, LEASE_MS } from "./job.ts";

/** Renews the lease. @throws LeaseLost when the work is somebody else's now. */
export async function extend(db: Db, claim: Claim, nowMs: number): Promise<void> {
  await changeClaimed(db, claim, { lease_until: nowMs + LEASE_MS, updated_at: nowMs });
}
