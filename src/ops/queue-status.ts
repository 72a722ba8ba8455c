import { sql } from "kysely";
import { toIso } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** Jobs that wait for a model or a host that is down; the rest is of the one that waits longest. */
export interface WaitingStatus {
  jobs: number;
  since: string;
  /** When it is tried again. */
  nextAt: string;
  /** What it said. */
  reason: string;
}

/** How many jobs are in each state; dead ones as the dead letters that wait for a person. */
export async function queueCounts(db: Db): Promise<Record<JobState, number>> {
  const { rows } = await sql<Record<JobState | "dead_letters" | "total", number>>`select
    (select count(*) from jobs) + coalesce((select value from meta where key = 'forgotten_jobs_done'), 0) as total,
    (select count(*) from jobs where state = 'ready') as ready,
    (select count(*) from jobs where state = 'running') as running,
    (select count(*) from jobs where state = 'dead') as dead,
    (select count(*) from (select distinct name, cause from dead_letters) as causes) as dead_letters`.execute(
    db,
  );
  const counts = rows[0];
  assert(counts !== undefined, "a count without a row");
  const { total, ready, running, dead, dead_letters } = counts;
  // `done` is what is left: nearly all jobs are, and SQLite counts a whole table a hundred times faster than a part of it.
  // `dead` counts dead letters, one for all runs that died of the same cause, and not jobs: one that was dropped leaves its
  // job dead, so that the key stays taken.
  return { ready, running, done: total - ready - running - dead, dead: dead_letters };
}

/** Null while nothing that a job needs is down. */
export async function waitingJobs(db: Db): Promise<WaitingStatus | null> {
  const all = db.selectFrom("jobs").where("waiting_since", "is not", null);
  const first = await all
    .select(["waiting_since", "run_at", "error"])
    .orderBy("waiting_since")
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
  if (first === undefined || first.waiting_since === null) return null;
  const { jobs } = await all.select((eb) => eb.fn.countAll<number>().as("jobs")).executeTakeFirstOrThrow();
  const { waiting_since: since, run_at: nextAt, error: reason } = first;
  return { jobs: Number(jobs), since: toIso(since), nextAt: toIso(nextAt), reason: reason ?? "" };
}
