import type { Selectable } from "kysely";
import { AfkError } from "../lib/errors.ts";
import type { JobsTable } from "../store/schema/queue.ts";

/** A job as the database keeps it. */
export type JobRow = Selectable<JobsTable>;

/** What every write of a claimed job names: the job and the claim it stands on. */
export interface Claim {
  id: string;
  token: number;
}

/** A lease lasts this long and is renewed while the job runs. */
export const LEASE_MS = 30_000;

/** The claim is no longer the newest one: somebody else has the job, and this result is dropped. */
export class LeaseLost extends AfkError {
  constructor(claim: Claim) {
    super(
      "lease_lost",
      `the lease on job ${claim.id} was lost (claim ${claim.token}); its result was dropped`,
      {
        retry: "never",
      },
    );
  }
}

/** An error that trying again cannot heal; the job is dead-lettered at once. */
export class PermanentFailure extends AfkError {
  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { retry: "never", ...options });
  }
}
