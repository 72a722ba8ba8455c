import type { Selectable } from "kysely";
import { toIso } from "../lib/clock.ts";
import type { Db, JobState, JobsTable } from "../store/schema.ts";

/** A job as people see it. Instants are ISO 8601 in UTC. */
export interface JobView {
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

export interface JobDetail extends JobView {
  outputs: string[];
  steps: { name: string; at: number }[];
}

/** The newest `limit` jobs. */
export async function listJobs(db: Db, limit: number): Promise<JobView[]> {
  const rows = await db.selectFrom("jobs").selectAll().orderBy("id", "desc").limit(limit).execute();
  return rows.map(view);
}

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
