import { sql } from "kysely";
import { PROGRAM_KINDS } from "../config/job-kind.ts";
import type { Report } from "../delivery/report.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { CapGrantsTable } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";
import { JOB_COLUMNS, type JobView, jobView } from "./jobs.ts";
import { ambiguous, meantId } from "./short-ids.ts";

/** A run of a job with all that is known of it. Money in micro-dollars. */
export interface JobDetail extends JobView {
  /** Names of its files in `out/`. */
  outputs: string[];
  /** What it recorded on the way; `at` in epoch milliseconds. */
  steps: { name: string; at: number }[];
  calls: { count: number; settledMicros: number; reservedMicros: number; unknown: number };
  /** What a person let it have beyond caps of its job; amounts as counters have them. */
  grants: Pick<CapGrantsTable, "window" | "amount" | "extra">[];
  /** What a program wrote, the end of each stream; null where none ran to its end, or retention has removed it. */
  wrote: { stdout: string; stderr: string; isCut: boolean } | null;
  /** What its receivers were sent, or would be; null where it gave no result. */
  result: Pick<Report, "title" | "text" | "counts" | "notes"> | null;
  /** To whom its result goes; `at` in epoch milliseconds. */
  deliveries: { receiver: string; state: string; attempts: number; error: string | null; at: number }[];
}

/** Standard output is kept up to 1 MiB; nobody reads so much at a glance. */
const STREAM_CHARS_MAX = 64 * 1024;
/** Larger ones are not parsed: the two streams of a program, escaped as JSON, come to 12 MiB at most. */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;
const REPORT_CHARS_MAX = 1024 * 1024;

/**
 * The run that a word means: its key, its id or as much of it as no other has, the beginning of its key, or the newest run
 * of the job of this name. Undefined where there is none.
 * @throws AfkError (`ambiguous`)
 */
export async function findJob(db: Db, typed: string): Promise<JobView | undefined> {
  const word = typed.normalize("NFC");
  const jobs = () => db.selectFrom("jobs").select(JOB_COLUMNS).orderBy("id", "desc");
  const row =
    (await jobs().where("key", "=", word).executeTakeFirst()) ??
    (await jobs().where("name", "=", word).limit(1).executeTakeFirst()) ??
    (await jobs()
      .where("id", "=", await meantId(db, "jobs", word))
      .executeTakeFirst());
  if (row !== undefined) return jobView(row);
  const begun = await jobs()
    .where(sql<boolean>`substr(key, 1, length(${word})) = ${word}`)
    .limit(6)
    .execute();
  if (begun.length > 1)
    throw ambiguous(
      typed,
      begun.map(({ key }) => key),
    );
  const [only] = begun;
  return only === undefined || word === "" ? undefined : jobView(only);
}

/** The run that a word means, with all that is known of it. @throws AfkError (`unknown_job`, `ambiguous`) */
export async function showJob(db: Db, word: string): Promise<JobDetail> {
  const job = await findJob(db, word);
  if (job === undefined)
    throw new AfkError("unknown_job", `there is no job ${word}; see: afk jobs`, { exitCode: EXIT.failed });
  const outputs = await db
    .selectFrom("outputs")
    .select("name")
    .where("job_id", "=", job.id)
    .orderBy("name")
    .limit(1_000)
    .execute();
  const steps = await db
    .selectFrom("steps")
    .select(["name", "created_at as at"])
    .where("job_id", "=", job.id)
    .orderBy("created_at")
    .orderBy("name")
    .limit(1_000)
    .execute();
  return {
    ...job,
    outputs: outputs.map(({ name }) => name),
    steps,
    calls: await callsOf(db, job.key),
    grants: await db
      .selectFrom("cap_grants")
      .select(["window", "amount", "extra"])
      .where("job", "=", job.key)
      .orderBy("granted_at")
      .orderBy("window")
      .orderBy("amount")
      .execute(),
    wrote: PROGRAM_KINDS.includes(job.kind) ? await readStreams(db, job.id) : null,
    result: await readJobResult(db, job.id),
    deliveries: await deliveriesOf(db, job.id),
  };
}

async function deliveriesOf(db: Db, jobId: string): Promise<JobDetail["deliveries"]> {
  return await db
    .selectFrom("deliveries")
    .select(["receiver", "state", "attempts", "error", "updated_at as at"])
    .where("job_id", "=", jobId)
    .orderBy("receiver")
    .limit(100)
    .execute();
}

async function callsOf(db: Db, key: string): Promise<JobDetail["calls"]> {
  const charged = (...states: string[]) =>
    sql<number>`coalesce(sum(case when state in (${sql.join(states)}) then estimate_micros end), 0)`;
  const row = await db
    .selectFrom("ledger")
    .select((eb) => [
      eb.fn.countAll<number>().as("count"),
      sql<number>`coalesce(sum(cost_micros), 0)`.as("settled"),
      charged("reserved", "sending", "unknown").as("reserved"),
      sql<number>`count(case when state = 'unknown' then 1 end)`.as("unknown"),
    ])
    .where("job", "=", key)
    .where("state", "<>", "released")
    .executeTakeFirstOrThrow();
  return {
    count: Number(row.count),
    settledMicros: Number(row.settled),
    reservedMicros: Number(row.reserved),
    unknown: Number(row.unknown),
  };
}

/** What the step of an exec job recorded (jobs/exec/exec.ts). */
interface Recorded {
  stdout?: unknown;
  stderr?: unknown;
  truncated?: unknown;
}

async function readStreams(db: Db, jobId: string): Promise<JobDetail["wrote"]> {
  const row = await db
    .selectFrom("steps")
    .select("result")
    .where("job_id", "=", jobId)
    .where("name", "=", "run")
    .where((eb) => eb(eb.fn("octet_length", ["result"]), "<=", RECORD_BYTES_MAX))
    .executeTakeFirst();
  if (row === undefined) return null;
  const { stdout, stderr, truncated } = (JSON.parse(row.result) ?? {}) as Recorded;
  if (typeof stdout !== "string" || typeof stderr !== "string") return null;
  const isCut = truncated === true || Math.max(stdout.length, stderr.length) > STREAM_CHARS_MAX;
  return { stdout: endOf(stdout), stderr: endOf(stderr), isCut };
}

/** Its end: that is where a program says what came of it. */
function endOf(text: string): string {
  return text.slice(-STREAM_CHARS_MAX).toWellFormed();
}

/** What a run gave, as its receivers were told; null where it gave no result in that form. */
export async function readJobResult(db: Db, jobId: string): Promise<JobDetail["result"]> {
  const row = await db
    .selectFrom("results")
    .select("report")
    .where("job_id", "=", jobId)
    .where("outcome", "<>", "progress")
    .where((eb) => eb(eb.fn("length", ["report"]), "<=", REPORT_CHARS_MAX))
    // A run that failed for good and was tried again has two: what it came to last counts.
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { title, text, counts, notes } = JSON.parse(row.report) as Report;
  return { title, text, counts, notes };
}
