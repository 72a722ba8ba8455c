import type { Selectable } from "kysely";
import { viewOf } from "../lib/view.ts";
import { listDeadLetters } from "../queue/dead-letters.ts";
import type { JobState, JobsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** A run of a job as commands show it. */
export type JobView = ReturnType<typeof jobView>;

/** The newest `limit` jobs. */
export async function listJobs(db: Db, limit: number): Promise<JobView[]> {
  const rows = await db.selectFrom("jobs").select(JOB_COLUMNS).orderBy("id", "desc").limit(limit).execute();
  return rows.map(jobView);
}

/** What a job's view is made of. */
export const JOB_COLUMNS = [
  ...(["id", "key", "name", "kind", "state", "attempts", "max_attempts", "run_at", "waiting_since"] as const),
  ...(["created_at", "updated_at", "slot_at", "label", "units", "by_hand", "payload", "error"] as const),
];

/** A row as people see it. */
export function jobView(row: Pick<Selectable<JobsTable>, (typeof JOB_COLUMNS)[number]>) {
  return { ...viewOf(row), byHand: row.by_hand === 1 };
}

/** A job that is at work or will be. Instants in epoch milliseconds. */
export type WaitingJob = Awaited<ReturnType<typeof listWaiting>>[number];

/** An error is stored whole; nobody reads more of it at a glance. */
const ERROR_CHARS_MAX = 2_000;

/** What runs, then what is ready, the earliest first; at most `limit` of each. */
export async function listWaiting(db: Db, limit: number) {
  const inState = async <State extends JobState>(state: State) => {
    const rows = await db
      .selectFrom("jobs")
      .select(["id", "key", "name", "attempts", "max_attempts as maxAttempts", "run_at as runAt"])
      .select((eb) => [
        "waiting_since as waitingSince",
        eb.fn<string | null>("substr", ["error", eb.lit(1), eb.lit(ERROR_CHARS_MAX)]).as("error"),
      ])
      .where("state", "=", state)
      .orderBy("run_at")
      .orderBy("id")
      .limit(limit)
      .execute();
    return rows.map((row) => ({ ...row, state }));
  };
  return [...(await inState("running")), ...(await inState("ready"))];
}

/** A job that waits for a person: `key` is of its newest run, and `runs` of the job died of this cause. */
export type DeadJob = Awaited<ReturnType<typeof listDeadJobs>>[number];

/** The newest `limit` dead letters, without what they carry. */
export async function listDeadJobs(db: Db, limit: number) {
  const found = await listDeadLetters(db, limit);
  return found.map(({ job_id: id, key, runs, name, error, attempts, died_at: diedAt }) => ({
    ...{ id, key, runs, name, attempts, diedAt, error: error.slice(0, ERROR_CHARS_MAX) },
  }));
}
