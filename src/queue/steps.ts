import { sql } from "kysely";
import { prepared } from "../store/prepared.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db, Trx } from "../store/schema.ts";
import { type Claim, LeaseLost, PermanentFailure } from "./job.ts";

/** A step's result, as JSON. */
const STEP_BYTES_MAX = 4 * 1024 * 1024;

/** The recorded result of a step, as its JSON text, or undefined when it has not run. */
export async function readStep(db: Db, jobId: string, name: string): Promise<string | undefined> {
  return (await selectStep(db, { jobId, name })).rows[0]?.result;
}

const selectStep = prepared((db, step: { jobId: string; name: string }) =>
  db.selectFrom("steps").select("result").where("job_id", "=", step.jobId).where("name", "=", step.name),
);

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
    const message = `the result of step ${name} is larger than ${STEP_BYTES_MAX} bytes`;
    throw new PermanentFailure("step_too_large", message);
  }
  const saved = await insertStep(db, { ...claim, name, json, nowMs });
  if (saved.numAffectedRows !== 1n) throw new LeaseLost(claim);
}

/** Forgets what a run has done so far, its steps and the answers that it bought: the next attempt begins anew. */
export async function forgetAttempt(trx: Trx, { id, key }: { id: string; key: string }): Promise<void> {
  await trx.deleteFrom("steps").where("job_id", "=", id).execute();
  await trx.deleteFrom("answers").where("job", "=", key).execute();
}

const insertStep = prepared((db, step: Claim & { name: string; json: string; nowMs: number }) =>
  db
    .insertInto("steps")
    .columns(["job_id", "name", "result", "created_at"])
    .expression((eb) =>
      eb
        .selectFrom("jobs")
        .select((s) => [
          "jobs.id",
          s.val(step.name).as("name"),
          s.val(step.json).as("result"),
          s.val(step.nowMs).as("created_at"),
        ])
        .where("id", "=", step.id)
        .where("token", "=", step.token)
        .where("state", "=", sql.lit<JobState>("running")),
    ),
);
