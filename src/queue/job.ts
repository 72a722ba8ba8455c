import type { Selectable, Updateable } from "kysely";
import { AfkError } from "../lib/errors.ts";
import type { JobsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** A job as the database keeps it. */
export type JobRow = Selectable<JobsTable>;

/** What every write of a claimed job names: the job and the claim it stands on. */
export type Claim = Pick<JobRow, "id" | "token">;

/** A lease lasts this long and is renewed while the job runs. */
export const LEASE_MS = 30_000;

/** The claim is no longer the newest one: somebody else has the job, and this result is dropped. */
export class LeaseLost extends AfkError {
  constructor(claim: Claim) {
    const message = `the lease on job ${claim.id} was lost (claim ${claim.token}); its result was dropped`;
    super("lease_lost", message, { retry: "never" });
  }
}

/** An error that trying again cannot heal; the job is dead-lettered at once. */
export class PermanentFailure extends AfkError {
  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { retry: "never", ...options });
  }
}

/** What a run died of that did not give what `expect` asks for: the code of its error, and the name of the alert. */
export const EXPECTATION_MISSED = "expectation_missed";

/** Changes a running job. @throws LeaseLost when the claim is no longer the newest one; nothing was changed then. */
export async function changeClaimed(db: Db, claim: Claim, change: Updateable<JobsTable>): Promise<void> {
  const result = await db
    .updateTable("jobs")
    .set(change)
    .where("id", "=", claim.id)
    .where("token", "=", claim.token)
    .where("state", "=", "running")
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new LeaseLost(claim);
}

/** What an ended attempt leaves of its claim. */
export const UNCLAIMED = { lease_until: null, runner: null } as const;
