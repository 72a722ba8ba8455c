import type { Selectable } from "kysely";
import { viewOf } from "../lib/view.ts";
import { listDeadLetters } from "../queue/dead-letters.ts";
import type { JobState, JobsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** The newest `limit` jobs. */
export async function listJobs(db: Db, limit: number) {
  const rows = await db.selectFrom("jobs").select(COLUMNS).orderBy("id", "desc").limit(limit).execute();
  return rows.map(view);
}

/** The job of a key; undefined where there is none. */
export async function showJob(db: Db, key: string) {
  const row = await db
    .selectFrom("jobs")
    .select(["id", ...COLUMNS])
    .where("key", "=", key.normalize("NFC"))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { id, ...job } = row;
  const outputs = await db
    .selectFrom("outputs")
    .select("name")
    .where("job_id", "=", id)
    .orderBy("name")
    .execute();
  const steps = await db
    .selectFrom("steps")
    .select(["name", "created_at as at"])
    .where("job_id", "=", id)
    .orderBy("created_at")
    .limit(1_000)
    .execute();
  return { ...view(job), outputs: outputs.map((output) => output.name), steps };
}

const COLUMNS = [
  ...(["key", "name", "kind", "state", "attempts", "max_attempts", "run_at", "waiting_since"] as const),
  ...(["created_at", "updated_at", "units", "by_hand", "payload", "error"] as const),
];

function view(row: Pick<Selectable<JobsTable>, (typeof COLUMNS)[number]>) {
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
      .select(["key", "name", "attempts", "max_attempts as maxAttempts", "run_at as runAt"])
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
  return found.map(({ key, runs, name, error, attempts, died_at: diedAt }) => ({
    ...{ key, runs, name, attempts, diedAt, error: error.slice(0, ERROR_CHARS_MAX) },
  }));
}
