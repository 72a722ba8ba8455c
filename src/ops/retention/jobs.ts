import { type Selectable, sql } from "kysely";
import { toIso } from "../../lib/clock.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { addToMeta, readMeta, writeMeta } from "../../store/meta.ts";
import type { JobsTable } from "../../store/schema/queue.ts";
import type { Trx } from "../../store/schema.ts";
import { type Ages, addAmounts, BYTES, idAt, nextAfter, type Sweep, startOfDay } from "./sweep.ts";

/** Jobs that one step looks at: each is asked about in several tables. */
const JOBS = 10;
/** A clock that was set back in the middle of a job puts its calls behind its end; a roll-up needs the job's name. */
const SLACK_MS = DAY_MS;

/**
 * Removes finished jobs with the rows of their files, and adds their runs to the day's. The files stay where they are.
 * What stays of a job are the names that must not be given twice: a key that somebody chose, and those of its files. Of
 * scheduled jobs it is the newest slot alone, since whatever comes before it has had its turn.
 */
export const jobsSweep: Sweep = {
  name: "jobs",
  async step(trx, ages, after) {
    const jobs = await trx
      .selectFrom("jobs")
      .selectAll()
      .where("id", ">", after)
      .where("id", "<", idAt(ages.historyMs))
      .orderBy("id")
      .limit(JOBS)
      .execute();
    const gone: Selectable<JobsTable>[] = [];
    let bytes = 0;
    for (const job of jobs) {
      if (!(await mayGo(trx, job, ages))) continue;
      if (bytes >= BYTES) break;
      bytes += await forgetFiles(trx, job.id, ages.nowMs);
      if (!isOfAMoment(job)) await take(trx, "job", job.key, ages.nowMs);
      await trx.deleteFrom("jobs").where("id", "=", job.id).execute();
      gone.push(job);
    }
    await forgetSlots(trx, gone);
    await addToDays(trx, gone, ages.timezone);
    // What was broken off goes on behind the last job that went.
    const isCutOff = bytes >= BYTES;
    return { removed: gone.length, next: isCutOff ? (gone.at(-1)?.id ?? null) : nextAfter(jobs, JOBS) };
  },
};

/** Nothing may refer to it any more: neither rows that wait for somebody, nor calls that are not yet rolled up. */
async function mayGo(trx: Trx, job: Selectable<JobsTable>, ages: Ages): Promise<boolean> {
  const isOver = job.state === "done" || job.state === "dead";
  const isOld = job.updated_at < ages.historyMs - SLACK_MS && job.slot_at < ages.historyMs;
  const isCalled = ages.calledJobs?.has(job.key) ?? true;
  if (!isOver || !isOld || isCalled || ages.keptJobs.has(job.id)) return false;
  const { rows } = await sql`
    select 1 as found from dead_letters where job_id = ${job.id} union all
    select 1 as found from steps where job_id = ${job.id} union all
    select 1 as found from drafts where job_id = ${job.id} union all
    select 1 as found from outputs where job_id = ${job.id} and state <> 'published' limit 1`.execute(trx);
  return rows.length === 0;
}

/** Gives how many bytes their content had. */
async function forgetFiles(trx: Trx, jobId: string, nowMs: number): Promise<number> {
  const files = await trx
    .selectFrom("outputs")
    .select((eb) => ["name", eb.fn<number>("octet_length", ["content"]).as("bytes")])
    .where("job_id", "=", jobId)
    .execute();
  for (const { name } of files) await take(trx, "output", name, nowMs);
  await trx.deleteFrom("outputs").where("job_id", "=", jobId).execute();
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Such a key comes again only when its moment does: for a slot that is known by the newest one, for a person's not at all. */
function isOfAMoment(job: Selectable<JobsTable>): boolean {
  const moment = toIso(job.slot_at);
  return job.key === (job.by_hand === 1 ? `${job.name}@hand:${moment}` : `${job.name}@${moment}`);
}

/** `enqueue` takes every slot up to this one for known. */
async function forgetSlots(trx: Trx, jobs: readonly Selectable<JobsTable>[]): Promise<void> {
  const slots = jobs.filter((job) => job.by_hand === 0 && isOfAMoment(job)).map((job) => job.slot_at);
  const newest = Math.max(0, ...slots);
  if (newest > (await readMeta(trx, "forgotten_slot_at"))) await writeMeta(trx, "forgotten_slot_at", newest);
}

async function take(trx: Trx, kind: "job" | "output", name: string, nowMs: number): Promise<void> {
  await trx
    .insertInto("taken_names")
    .values({ kind, name, taken_at: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function addToDays(trx: Trx, jobs: readonly Selectable<JobsTable>[], timezone: string): Promise<void> {
  const done = jobs.filter(({ state }) => state === "done");
  for (const { name, units, updated_at } of done) {
    const first_at = startOfDay(updated_at, timezone);
    await addAmounts(trx, "job_days", { first_at, name }, { runs: 1, units });
  }
  await addToMeta(trx, "forgotten_jobs_done", done.length);
}
