import { sql } from "kysely";
import { skipLocked } from "../store/locking.ts";
import { prepared, unplanned } from "../store/prepared.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db, Trx } from "../store/schema.ts";
import { type JobRow, LEASE_MS } from "./job.ts";
import { NOT_PAUSED } from "./pause.ts";

/**
 * Takes the job that has been due longest, is not paused, and of whose name no other runs; or nothing. One conditional
 * update: it counts the attempt, sets the lease and raises the fencing token, so that two runners cannot both get it. The
 * attempt counts from here on, since a job that kills its process never gets to say that it failed. In a section: two
 * claims beside each other would see neither's job run, and take two of one name.
 */
export async function claim(trx: Trx, runner: string, nowMs: number): Promise<JobRow | undefined> {
  return (await takeNext(trx, { runner, nowMs, leaseUntil: nowMs + LEASE_MS })).rows[0];
}

/** In the text and not as a value, or SQLite would plan anew each time (prepared.ts): a partial index is for one state only. */
const READY = sql.lit<JobState>("ready");

/** Of a row of `jobs`: no other run of its name is under way, here or on another machine. */
const NOT_BESIDE_ITSELF = sql<boolean>`jobs.name not in (select name from jobs as others where others.state = ${sql.lit<JobState>("running")})`;

const takeNext = prepared((db, at: { runner: string; nowMs: number; leaseUntil: number }) =>
  db
    .updateTable("jobs")
    .set((eb) => ({
      state: "running",
      attempts: eb("attempts", "+", 1),
      token: eb("token", "+", 1),
      lease_until: at.leaseUntil,
      runner: at.runner,
      updated_at: at.nowMs,
    }))
    .where("state", "=", READY)
    .where("id", "=", (eb) =>
      eb
        .selectFrom("jobs")
        .select("id")
        .where("state", "=", READY)
        .where("run_at", "<=", unplanned(at.nowMs))
        .where(NOT_PAUSED)
        .where(NOT_BESIDE_ITSELF)
        .orderBy("run_at")
        .orderBy("id")
        .limit(sql.lit(1))
        .$call(skipLocked(db)),
    )
    .returningAll(),
);

/** When the next ready job may be claimed, in whose way no other of its name is now; undefined when none is waiting. */
export async function nextRunAt(db: Db): Promise<number | undefined> {
  return (await firstReady(db, {})).rows[0]?.run_at;
}

const firstReady = prepared((db) =>
  db
    .selectFrom("jobs")
    .select("run_at")
    .where("state", "=", READY)
    .where(NOT_PAUSED)
    .where(NOT_BESIDE_ITSELF)
    .orderBy("run_at")
    .limit(sql.lit(1)),
);

/** The same of jobs that were added after an instant, or are due after another one. */
export async function nextNewAt(
  db: Db,
  after: { addedMs: number; dueMs: number },
): Promise<number | undefined> {
  return (await firstNew(db, after)).rows[0]?.run_at;
}

const firstNew = prepared((db, { addedMs, dueMs }: { addedMs: number; dueMs: number }) =>
  db
    .selectFrom("jobs")
    .select("run_at")
    .where("state", "=", READY)
    .where((eb) => eb.or([eb("created_at", ">", unplanned(addedMs)), eb("run_at", ">", unplanned(dueMs))]))
    .where(NOT_PAUSED)
    .where(NOT_BESIDE_ITSELF)
    .orderBy("run_at")
    .limit(sql.lit(1)),
);
