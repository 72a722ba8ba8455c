import type { Config } from "../config/config.ts";
import type { Db } from "../store/schema.ts";
import { readJobResult } from "./show-job.ts";
import { lastRuns } from "./sources.ts";

/** What the last run of a job came to. Instants in epoch milliseconds. */
export interface LastResult {
  job: string;
  /** Of the run. */
  id: string;
  state: "done" | "dead";
  at: number;
  units: number;
  /** What its receivers were told: `Sunday 29 November: 12 new items`. Null where it gave no result in that form. */
  title: string | null;
  error: string | null;
}

const ERROR_CHARS_MAX = 300;

/** The last result of each job of afk.yaml that has had one. */
export async function readLastResults(db: Db, jobs: Config["jobs"]): Promise<LastResult[]> {
  const results: LastResult[] = [];
  for (const { name } of jobs) {
    const last = await lastOf(db, name);
    if (last !== undefined) results.push(last);
  }
  return results;
}

/** Runs whose keys somebody chose are found by what they gave, others by their keys. */
async function lastOf(db: Db, job: string): Promise<LastResult | undefined> {
  const told = await db
    .selectFrom("results")
    .select("job_id as id")
    .where("name", "=", job)
    .where("outcome", "<>", "progress")
    .orderBy("created_at", "desc")
    .orderBy("job_id", "desc")
    .limit(1)
    .execute();
  const ids = [...(await lastRuns(db, job)), ...told].map(({ id }) => id);
  if (ids.length === 0) return undefined;
  const row = await db
    .selectFrom("jobs")
    .select(["id", "state", "updated_at as at", "units"])
    .select((eb) => eb.fn<string | null>("substr", ["error", eb.lit(1), eb.lit(ERROR_CHARS_MAX)]).as("error"))
    .where("id", "in", ids)
    .where("state", "in", ["done", "dead"])
    .orderBy("updated_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { state, ...rest } = row;
  const title = (await readJobResult(db, row.id))?.title ?? null;
  return { job, ...rest, state: state === "dead" ? "dead" : "done", title };
}
