import { sql } from "kysely";
import type { Config } from "../config/config.ts";
import type { Db } from "../store/schema.ts";

/** How a source of a digest was found at its last run. */
export interface SourceHealth {
  job: string;
  label: string;
  /** Null: it worked. */
  error: string | null;
  /** Items it offered, new or not. */
  items: number;
  /** Parts that were left out. */
  notes: number;
  /** Epoch milliseconds. */
  checkedAt: number;
}

/** Looks back at so many runs of a job for one that has asked its sources. */
const RUNS_BACK = 3;
/** A digest has at most 50. */
const SOURCES_MAX = 50;

export type SourceBook = (db: Db, jobs: Config["jobs"]) => Promise<SourceHealth[]>;

/**
 * Reads what the last run of each digest recorded about its sources, failing ones first. What was read is kept as long
 * as no further step is recorded, since a step holds all that its source offered.
 */
export function createSourceBook(): SourceBook {
  const known = new Map<string, { mark: string; sources: SourceHealth[] }>();
  return async (db, jobs) => {
    const all: SourceHealth[] = [];
    for (const job of jobs.filter(({ kind }) => kind === "digest")) {
      const run = await lastRun(db, job.name);
      if (run === undefined) continue;
      const kept = known.get(job.name);
      const sources = kept?.mark === run.mark ? kept.sources : await sourcesOf(db, job.name, run.id);
      known.set(job.name, { mark: run.mark, sources });
      all.push(...sources);
    }
    return all.sort((a, b) => Number(b.error !== null) - Number(a.error !== null));
  };
}

/** A step of a source that failed has no items: a label and an error, both short. */
const FAILED_BYTES_MAX = 4_000;

/** How many sources failed at the last run of their digest. Reads none that worked, which can be large. */
export async function countFailingSources(db: Db, jobs: Config["jobs"]): Promise<number> {
  let failing = 0;
  for (const job of jobs.filter(({ kind }) => kind === "digest")) {
    const run = await lastRun(db, job.name);
    if (run === undefined) continue;
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from steps where job_id = ${run.id} and name >= 'fetch:' and name < 'fetch;'
        and octet_length(result) < ${FAILED_BYTES_MAX} and json_extract(result, '$.error') is not null`.execute(
      db,
    );
    failing += Number(rows[0]?.count ?? 0);
  }
  return failing;
}

async function lastRun(db: Db, name: string): Promise<{ id: string; mark: string } | undefined> {
  const runs = (await lastRuns(db, name)).sort((a, b) => (a.id < b.id ? 1 : -1));
  for (const { id } of runs) {
    const { count } = await db
      .selectFrom("steps")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("job_id", "=", id)
      .where("name", ">=", "fetch:")
      .where("name", "<", "fetch;")
      .executeTakeFirstOrThrow();
    if (Number(count) > 0) return { id, mark: `${id}/${count}` };
  }
  return undefined;
}

/**
 * The jobs of one name that are looked at: the newest that its schedule added, and the newest that somebody asked for.
 * Keys are the name and the slot or the moment somebody asked, so these are the ends of two ranges of keys.
 */
export async function lastRuns(db: Db, name: string): Promise<{ id: string }[]> {
  const scheduled = await runsBetween(db, `${name}@0`, `${name}@:`);
  const byHand = await runsBetween(db, `${name}@hand:`, `${name}@hand;`);
  return [...scheduled, ...byHand];
}

async function runsBetween(db: Db, from: string, to: string): Promise<{ id: string }[]> {
  return await db
    .selectFrom("jobs")
    .select("id")
    .where("key", ">=", from)
    .where("key", "<", to)
    .orderBy("key", "desc")
    .limit(RUNS_BACK)
    .execute();
}

async function sourcesOf(db: Db, job: string, id: string): Promise<SourceHealth[]> {
  const { rows } = await sql<{
    label: string | null;
    error: string | null;
    items: number | null;
    notes: number | null;
    checkedAt: number;
  }>`
    select json_extract(result, '$.label') as label, json_extract(result, '$.error') as error,
      json_array_length(result, '$.items') as items, json_array_length(result, '$.notes') as notes,
      created_at as "checkedAt"
    from steps where job_id = ${id} and name >= 'fetch:' and name < 'fetch;'
    order by cast(substr(name, 7) as integer) limit ${SOURCES_MAX}`.execute(db);
  return rows.map((row) => ({
    job,
    label: row.label ?? "a source without a name",
    error: row.error,
    items: row.items ?? 0,
    notes: row.notes ?? 0,
    checkedAt: row.checkedAt,
  }));
}
