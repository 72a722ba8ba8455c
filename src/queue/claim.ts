import type { Db } from "../store/schema.ts";
import { type JobRow, LEASE_MS } from "./job.ts";

/**
 * Takes the job that has been due longest, or nothing. One conditional update: it counts the attempt, sets the lease
 * and raises the fencing token, so that two runners cannot both get it. The attempt counts from here on, since a job
 * that kills its process never gets to say that it failed.
 */
export async function claim(db: Db, runner: string, nowMs: number): Promise<JobRow | undefined> {
  return await db
    .updateTable("jobs")
    .set((eb) => ({
      state: "running",
      attempts: eb("attempts", "+", 1),
      token: eb("token", "+", 1),
      lease_until: nowMs + LEASE_MS,
      runner,
      updated_at: nowMs,
    }))
    .where("state", "=", "ready")
    .where("id", "=", (eb) =>
      eb
        .selectFrom("jobs")
        .select("id")
        .where("state", "=", "ready")
        .where("run_at", "<=", nowMs)
        .orderBy("run_at")
        .orderBy("id")
        .limit(1),
    )
    .returningAll()
    .executeTakeFirst();
}

/** When the next ready job is due; undefined when none is waiting. */
export async function nextRunAt(db: Db): Promise<number | undefined> {
  const row = await db
    .selectFrom("jobs")
    .select("run_at")
    .where("state", "=", "ready")
    .orderBy("run_at")
    .limit(1)
    .executeTakeFirst();
  return row?.run_at;
}
