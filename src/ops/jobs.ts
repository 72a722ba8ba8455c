import type { Selectable } from "kysely";
import { toIso } from "../lib/clock.ts";
import { listDeadLetters } from "../queue/dead-letters.ts";
import type { JobState, JobsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** A job as people see it. Instants are ISO 8601 in UTC. */
interface JobView {
  key: string;
  name: string;
  kind: string;
  state: JobState;
  attempts: number;
  maxAttempts: number;
  runAt: string;
  /** Since when what it needs is down; null where nothing is. */
  waitingSince: string | null;
  createdAt: string;
  updatedAt: string;
  units: number;
  byHand: boolean;
  payload: string;
  error: string | null;
}

interface JobDetail extends JobView {
  outputs: string[];
  steps: { name: string; at: number }[];
}

/** The newest `limit` jobs. */
export async function listJobs(db: Db, limit: number): Promise<JobView[]> {
  const rows = await db.selectFrom("jobs").selectAll().orderBy("id", "desc").limit(limit).execute();
  return rows.map(view);
}

/** The job of a key; undefined where there is none. */
export async function showJob(db: Db, key: string): Promise<JobDetail | undefined> {
  const row = await db
    .selectFrom("jobs")
    .selectAll()
    .where("key", "=", key.normalize("NFC"))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const outputs = await db
    .selectFrom("outputs")
    .select("name")
    .where("job_id", "=", row.id)
    .orderBy("name")
    .execute();
  const steps = await db
    .selectFrom("steps")
    .select(["name", "created_at as at"])
    .where("job_id", "=", row.id)
    .orderBy("created_at")
    .limit(1_000)
    .execute();
  return { ...view(row), outputs: outputs.map((output) => output.name), steps };
}

function view(row: Selectable<JobsTable>): JobView {
  return {
    key: row.key,
    name: row.name,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    runAt: toIso(row.run_at),
    waitingSince: row.waiting_since === null ? null : toIso(row.waiting_since),
    createdAt: toIso(row.created_at),
    updatedAt: toIso(row.updated_at),
    units: row.units,
    byHand: row.by_hand === 1,
    payload: row.payload,
    error: row.error,
  };
}

/** A job that is at work or will be. Instants in epoch milliseconds. */
export interface WaitingJob {
  key: string;
  name: string;
  state: "ready" | "running";
  attempts: number;
  maxAttempts: number;
  /** Since when what it needs is down; null where nothing is. */
  waitingSince: number | null;
  /** When a ready one may be claimed. */
  runAt: number;
  /** Why the last attempt ended. */
  error: string | null;
}

/** A job that waits for a person. */
export interface DeadJob {
  /** Of its newest run; `runs` of the job died of this cause. */
  key: string;
  runs: number;
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
    waiting.push(...rows.map((row) => ({ ...row, state })));
  }
  return waiting;
}

/** The newest `limit` dead letters, without what they carry. */
export async function listDeadJobs(db: Db, limit: number): Promise<DeadJob[]> {
  const found = await listDeadLetters(db, limit);
  return found.map(({ key, runs, name, error, attempts, died_at }) => ({
    ...{ key, runs, name, attempts, error: error.slice(0, ERROR_CHARS_MAX), diedAt: died_at },
  }));
}
