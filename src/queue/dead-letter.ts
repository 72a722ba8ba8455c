import type { Selectable } from "kysely";
import { deadLetterCause, recoverIncident } from "../alerts/incidents.ts";
import type { Announce } from "../alerts/outbox.ts";
import { asSentence } from "../lib/text.ts";
import type { Db, DeadLettersTable, Trx } from "../store/schema.ts";
import { type JobRow, LeaseLost } from "./job.ts";

export type DeadLetter = Selectable<DeadLettersTable>;

/** Moves a running job to the dead letters, where it waits for a person, and raises the alert in the same transaction. */
export async function bury(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  error: string,
  tick: string | null,
  nowMs: number,
): Promise<void> {
  const result = await trx
    .updateTable("jobs")
    .set({ state: "dead", lease_until: null, runner: null, error, updated_at: nowMs })
    .where("id", "=", job.id)
    .where("token", "=", job.token)
    .where("state", "=", "running")
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new LeaseLost(job);
  await trx
    .insertInto("dead_letters")
    .values({
      job_id: job.id,
      key: job.key,
      name: job.name,
      kind: job.kind,
      payload: job.payload,
      error,
      attempts: job.attempts,
      trace: JSON.stringify({ tick, steps: await stepNames(trx, job.id) }),
      died_at: nowMs,
    })
    .execute();
  await announce({
    event: "job_dead",
    title: `${job.name} gave up`,
    message: `Job ${job.key} failed ${job.attempts} of ${job.max_attempts} times and waits for you. ${asSentence(error)} Look: afk dead show ${job.key}`,
    key: `job_dead:${job.id}:${job.token}`,
    job: job.key,
    ...(tick === null ? {} : { tick }),
  });
}

export async function listDead(db: Db): Promise<DeadLetter[]> {
  return await db.selectFrom("dead_letters").selectAll().orderBy("died_at", "desc").limit(1_000).execute();
}

export async function findDead(db: Db, key: string): Promise<DeadLetter | undefined> {
  return await db.selectFrom("dead_letters").selectAll().where("key", "=", key).executeTakeFirst();
}

/** Makes a dead job ready with its attempts anew; what its steps recorded is kept. False when no such letter is there. */
export async function retryDead(trx: Trx, key: string, nowMs: number): Promise<boolean> {
  const letter = await findDead(trx, key);
  if (letter === undefined) return false;
  await trx
    .updateTable("jobs")
    .set({ state: "ready", attempts: 0, run_at: nowMs, error: null, updated_at: nowMs })
    .where("id", "=", letter.job_id)
    .where("state", "=", "dead")
    .execute();
  await trx.deleteFrom("dead_letters").where("job_id", "=", letter.job_id).execute();
  await recoverIncident(trx, deadLetterCause(key), nowMs);
  return true;
}

/** Drops a dead letter for good. The job's key stays taken, so that dropping it does not run it again. */
export async function dropDead(trx: Trx, key: string, nowMs: number): Promise<boolean> {
  const result = await trx.deleteFrom("dead_letters").where("key", "=", key).executeTakeFirst();
  await recoverIncident(trx, deadLetterCause(key), nowMs);
  return result.numDeletedRows === 1n;
}

async function stepNames(trx: Trx, jobId: string): Promise<string[]> {
  const rows = await trx
    .selectFrom("steps")
    .select("name")
    .where("job_id", "=", jobId)
    .orderBy("created_at", "desc")
    .limit(200)
    .execute();
  return rows.map((row) => row.name);
}
