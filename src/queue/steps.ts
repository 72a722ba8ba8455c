import type { Db } from "../store/schema.ts";
import { type Claim, LeaseLost, PermanentFailure } from "./job.ts";

/** A step's result, as JSON. */
const STEP_BYTES_MAX = 4 * 1024 * 1024;

/** The recorded result of a step, as its JSON text, or undefined when it has not run. */
export async function readStep(db: Db, jobId: string, name: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("steps")
    .select("result")
    .where("job_id", "=", jobId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row?.result;
}

/**
 * Records a step's result, once. The insert reads the claim in the same statement.
 * @throws LeaseLost when the claim is no longer the newest one.
 * @throws PermanentFailure when the result is larger than a step may keep.
 */
export async function saveStep(
  db: Db,
  claim: Claim,
  name: string,
  result: unknown,
  nowMs: number,
): Promise<void> {
  const json = JSON.stringify(result) ?? "null";
  if (Buffer.byteLength(json) > STEP_BYTES_MAX) {
    throw new PermanentFailure(
      "step_too_large",
      `the result of step ${name} is larger than ${STEP_BYTES_MAX} bytes`,
    );
  }
  const saved = await db
    .insertInto("steps")
    .columns(["job_id", "name", "result", "created_at"])
    .expression((eb) =>
      eb
        .selectFrom("jobs")
        .select((s) => [
          "jobs.id",
          s.val(name).as("name"),
          s.val(json).as("result"),
          s.val(nowMs).as("created_at"),
        ])
        .where("id", "=", claim.id)
        .where("token", "=", claim.token)
        .where("state", "=", "running"),
    )
    .executeTakeFirst();
  if (saved.numInsertedOrUpdatedRows !== 1n) throw new LeaseLost(claim);
}
