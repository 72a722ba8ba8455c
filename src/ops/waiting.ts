import { sql } from "kysely";
import type { Db } from "../store/schema.ts";

/** A job that is at work or will be. Instants in epoch milliseconds. */
export interface WaitingJob {
  key: string;
  name: string;
  state: "ready" | "running";
  attempts: number;
  maxAttempts: number;
  /** When a ready one may be claimed. */
  runAt: number;
  /** Why the last attempt ended. */
  error: string | null;
}

/** A job that waits for a person. */
export interface DeadJob {
  key: string;
  name: string;
  error: string;
  attempts: number;
  diedAt: number;
}

/** An error is stored whole; nobody reads more of it at a glance. */
const ERROR_CHARS_MAX = 2_000;

/** What runs, then what is ready, the earliest first; at most `limit` of each. */
export async function listWaiting(db: Db, limit: number): Promise<WaitingJob[]> {
  const waiting: WaitingJob[] = [];
  for (const state of ["running", "ready"] as const) {
    const rows = await db
      .selectFrom("jobs")
      .select(["key", "name", "attempts", "max_attempts", "run_at"])
      .select((eb) =>
        eb.fn<string | null>("substr", ["error", eb.lit(1), eb.lit(ERROR_CHARS_MAX)]).as("error"),
      )
      .where("state", "=", state)
      .orderBy("run_at")
      .orderBy("id")
      .limit(limit)
      .execute();
    waiting.push(
      ...rows.map(({ key, name, attempts, max_attempts, run_at, error }) => ({
        ...{ key, name, state, attempts, error },
        maxAttempts: max_attempts,
        runAt: run_at,
      })),
    );
  }
  return waiting;
}

/** The newest `limit` dead letters, without what they carry. */
export async function listDeadJobs(db: Db, limit: number): Promise<DeadJob[]> {
  const { rows } = await sql<DeadJob>`
    select key, name, substr(error, 1, ${sql.lit(ERROR_CHARS_MAX)}) as error, attempts, died_at as "diedAt"
    from dead_letters where job_id in (select job_id from dead_letters order by died_at desc limit ${limit})
    order by died_at desc`.execute(db);
  return rows;
}
