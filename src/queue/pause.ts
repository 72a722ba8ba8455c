import { type RawBuilder, type Selectable, sql } from "kysely";
import type { PausedJobsTable } from "../store/schema/queue.ts";
import type { Db, Trx } from "../store/schema.ts";

/** What pauses a job that says `paused: true`; its row is kept by each tick as the file says. */
export const BY_FILE = "afk.yaml";

/** Who pauses a job: `keyboard`, or the channel of the phone. */
interface Pause {
  job: string;
  by: string;
  reason: string | null;
}

/**
 * Pauses a job: nothing of it is claimed or added until it is unpaused; what runs goes on to its end. Everybody who may stop
 * the agent may do this. False where the same has paused it before, whose moment and reason stay.
 */
export async function pauseJob(trx: Trx, { job, by, reason }: Pause, nowMs: number): Promise<boolean> {
  const added = await trx
    .insertInto("paused_jobs")
    .values({ job_name: job, by, reason, paused_at: nowMs })
    .onConflict((conflict) => conflict.columns(["job_name", "by"]).doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

/** Ends every pause of a job but that of afk.yaml. Gives how many there were. For people at the keyboard alone. */
export async function unpauseJob(trx: Trx, job: string): Promise<number> {
  const removed = await trx
    .deleteFrom("paused_jobs")
    .where("job_name", "=", job)
    .where("by", "!=", BY_FILE)
    .executeTakeFirst();
  return Number(removed.numDeletedRows);
}

/** Pauses the jobs that afk.yaml pauses, and no others by its name: since when is kept. */
export async function pauseByFile(trx: Trx, jobs: readonly string[], nowMs: number): Promise<void> {
  const rows = await trx.selectFrom("paused_jobs").select("job_name").where("by", "=", BY_FILE).execute();
  const known = new Set(rows.map(({ job_name }) => job_name));
  for (const job of jobs)
    if (!known.delete(job)) await pauseJob(trx, { job, by: BY_FILE, reason: null }, nowMs);
  if (known.size === 0) return;
  await trx
    .deleteFrom("paused_jobs")
    .where("by", "=", BY_FILE)
    .where("job_name", "in", [...known])
    .execute();
}

/** Every pause of every job, the oldest of a job first. */
export async function listPauses(db: Db): Promise<Selectable<PausedJobsTable>[]> {
  return await db.selectFrom("paused_jobs").selectAll().orderBy("job_name").orderBy("paused_at").execute();
}

/** Whether anything pauses a job. */
export async function isPaused(db: Db, job: string): Promise<boolean> {
  const row = await db.selectFrom("paused_jobs").select("by").where("job_name", "=", job).executeTakeFirst();
  return row !== undefined;
}

/** Of a row of `jobs`: it may be claimed. What a person added by hand after the pause was meant to run in spite of it. */
export const NOT_PAUSED: RawBuilder<boolean> = sql<boolean>`not exists (select 1 from paused_jobs
  where paused_jobs.job_name = jobs.name and not (jobs.by_hand = 1 and jobs.created_at >= paused_jobs.paused_at))`;
