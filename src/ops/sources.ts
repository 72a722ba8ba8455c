import type { Config } from "../config/config.ts";
import { READING_KINDS } from "../config/job-kind.ts";
import type { Db } from "../store/schema.ts";

/** How a source of a digest was found at its last run. `error` is null where it worked; `notes` are parts left out. */
export type SourceHealth = Awaited<ReturnType<typeof sourcesOf>>[number];

/** Looks back at so many runs of a job for one that has asked its sources. */
const RUNS_BACK = 3;
/** A digest has at most 50. */
const SOURCES_MAX = 50;

type SourceBook = (db: Db, jobs: Config["jobs"]) => Promise<SourceHealth[]>;

/**
 * Reads what the last run of each digest recorded about its sources, failing ones first. What was read is kept as long
 * as no further step is recorded, since a step holds all that its source offered.
 */
export function createSourceBook(): SourceBook {
  const known = new Map<string, { mark: string; sources: SourceHealth[] }>();
  return async (db, jobs) => {
    const all: SourceHealth[] = [];
    for (const { job, id, mark } of await readingRuns(db, jobs)) {
      const kept = known.get(job);
      const sources = kept?.mark === mark ? kept.sources : await sourcesOf(db, job, id);
      known.set(job, { mark, sources });
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
  for (const { id } of await readingRuns(db, jobs)) failing += await countFailed(db, id);
  return failing;
}

async function countFailed(db: Db, jobId: string): Promise<number> {
  const short = await fetchSteps(db, jobId)
    .where((eb) => eb(eb.fn("octet_length", ["result"]), "<", FAILED_BYTES_MAX))
    .execute();
  return short.filter(({ result }) => (JSON.parse(result) as FetchStep).error != null).length;
}

/** Whether a run of a job that reads sources, done between two instants, of the last runs of each, read all its sources and found nothing new. */
export async function hasQuietRun(
  db: Db,
  jobs: Config["jobs"],
  fromMs: number,
  untilMs: number,
): Promise<boolean> {
  for (const { name } of jobs.filter(({ kind }) => READING_KINDS.includes(kind))) {
    const ids = (await lastRuns(db, name)).map(({ id }) => id);
    if (ids.length === 0) continue;
    const done = db.selectFrom("jobs").select("id").where("id", "in", ids).where("state", "=", "done");
    const between = done.where("updated_at", ">=", fromMs).where("updated_at", "<=", untilMs);
    for (const { id } of await between.where("units", "=", 0).execute())
      if ((await countFailed(db, id)) === 0) return true;
  }
  return false;
}

/** What is recorded of a source (jobs/sources/fetch-sources.ts). */
interface FetchStep {
  label?: string;
  error?: string | null;
  items?: unknown[];
  notes?: unknown[];
}

function fetchSteps(db: Db, jobId: string) {
  return db
    .selectFrom("steps")
    .select(["name", "result", "created_at"])
    .where("job_id", "=", jobId)
    .where("name", "like", "fetch:%")
    .limit(SOURCES_MAX);
}

/** Of each job that reads sources the last run that has asked its sources; `mark` is another one once a further step is recorded. */
async function readingRuns(
  db: Db,
  jobs: Config["jobs"],
): Promise<{ job: string; id: string; mark: string }[]> {
  const found: { job: string; id: string; mark: string }[] = [];
  for (const { name: job } of jobs.filter(({ kind }) => READING_KINDS.includes(kind))) {
    const runs = (await lastRuns(db, job)).sort((a, b) => (a.id < b.id ? 1 : -1));
    for (const { id } of runs) {
      const { count } = await db
        .selectFrom("steps")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("job_id", "=", id)
        .where("name", "like", "fetch:%")
        .executeTakeFirstOrThrow();
      if (Number(count) === 0) continue;
      found.push({ job, id, mark: `${id}/${count}` });
      break;
    }
  }
  return found;
}

/**
 * The jobs of one name that are looked at: the newest that its schedule added, and the newest that somebody asked for.
 * Keys are the name and the slot or the moment somebody asked, so these are the ends of two ranges of keys.
 */
export async function lastRuns(db: Db, name: string): Promise<{ id: string }[]> {
  const runs: { id: string }[] = [];
  for (const [from, to] of [
    [`${name}@0`, `${name}@:`] as const,
    [`${name}@hand:`, `${name}@hand;`] as const,
  ]) {
    const found = db.selectFrom("jobs").select("id").where("key", ">=", from).where("key", "<", to);
    runs.push(...(await found.orderBy("key", "desc").limit(RUNS_BACK).execute()));
  }
  return runs;
}

async function sourcesOf(db: Db, job: string, id: string) {
  const steps = await fetchSteps(db, id).execute();
  const number = (name: string) => Number(name.slice("fetch:".length));
  steps.sort((a, b) => number(a.name) - number(b.name));
  return steps.map(({ result, created_at: checkedAt }) => {
    const { label = "a source without a name", error = null, items, notes } = JSON.parse(result) as FetchStep;
    return { job, label, error, items: items?.length ?? 0, notes: notes?.length ?? 0, checkedAt };
  });
}

const DIGEST_CHARS_MAX = 60_000;
/** Two files of one period differ by a number that does not sort; the newest is among these. */
const CANDIDATES = 10;

/** The digest that was written last, by whichever job; null before the first. */
export async function readLatestDigest(db: Db, jobs: Config["jobs"]) {
  let latest: { name: string; created_at: number } | undefined;
  for (const job of jobs.filter(({ kind }) => kind === "digest")) {
    const found = await newestOf(db, job.name);
    if (found !== undefined && (latest === undefined || found.created_at > latest.created_at)) latest = found;
  }
  if (latest === undefined) return null;
  const { name, created_at: createdAt } = latest;
  const row = await db
    .selectFrom("outputs")
    .select((eb) => [
      eb.fn<string>("substr", ["content", eb.lit(1), eb.lit(DIGEST_CHARS_MAX)]).as("content"),
      eb.fn<number>("length", ["content"]).as("length"),
    ])
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return { name, createdAt, content: row.content, isCut: row.length > DIGEST_CHARS_MAX };
}

/** Files are named after their job and period, which begins with a digit: a range of the names, so of the index. */
async function newestOf(db: Db, job: string) {
  const rows = await db
    .selectFrom("outputs")
    .select(["name", "created_at"])
    .where("name", ">=", `${job}-0`)
    .where("name", "<", `${job}-:`)
    .where("name", "like", "%.md")
    .orderBy("name", "desc")
    .limit(CANDIDATES)
    .execute();
  return rows.sort((a, b) => b.created_at - a.created_at)[0];
}
