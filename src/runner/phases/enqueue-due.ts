import type { Selectable } from "kysely";
import type { JobConfig } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { didYouMean } from "../../lib/nearest.ts";
import { scheduleKey } from "../../ops/next-runs.ts";
import { enqueue, jobKey, type NewJob } from "../../queue/enqueue.ts";
import { BY_FILE, isPaused, listPauses, pauseByFile } from "../../queue/pause.ts";
import { refuseElsewhere } from "../../rails/kill.ts";
import type { SchedulesTable } from "../../store/schema/queue.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { Uses, Writing } from "../dependencies.ts";
import { type Absence, readAbsence } from "./absence.ts";
import { dueAt, labelByHand, nextSlot, passedBy } from "./schedule.ts";

/**
 * Adds every job whose time has come. The key is the job's name and slot, so that twice is once. Whether it has come is asked
 * again in the section, behind whoever looked at the same time: one that finds nothing due costs no section at all.
 */
export async function enqueueDue(dependencies: Writing, absence?: Absence): Promise<void> {
  const { config, store, clock } = dependencies;
  await notePauses(dependencies);
  await forgetCronLines(dependencies);
  const seen = await lastSlots(store.db);
  const nowMs = clock.nowMs();
  const due = config.jobs.filter((job) => dueAt(job, seen(job), nowMs, config.timezone).type !== "not_due");
  if (due.length === 0) return;
  const away = absence ?? (await readAbsence(dependencies));
  await store.atomically(async (trx) => {
    const last = await lastSlots(trx);
    const paused = await pausedJobs(trx);
    for (const job of due) {
      const state = { last: last(job), isPaused: paused.has(job.name) };
      await addSlot(trx, dependencies, job, state, away);
    }
  });
}

async function addSlot(
  trx: Trx,
  { config: { timezone }, outbox, clock }: Writing,
  job: JobConfig,
  { last, isPaused }: { last: number | null; isPaused: boolean },
  absence: Absence,
): Promise<void> {
  const nowMs = clock.nowMs();
  const due = dueAt(job, last, nowMs, timezone);
  if (due.type === "not_due") return;
  if (isPaused) {
    // Its times pass, and nobody has missed them; what never ran is due at once when it may.
    if (last !== null) await rememberSlot(trx, job, due.slotMs);
    return;
  }
  await rememberSlot(trx, job, due.slotMs);
  if (due.type === "anchor") return;
  const { slotMs, label } = due;
  const slot = { key: `${job.name}@${toIso(slotMs)}`, slotMs, label };
  const isNew = await enqueue(trx, newJob(job, { ...slot, byHand: false }), nowMs);
  // A slot that was run before comes again when the clock was set back; those before it were dealt with then.
  const awaySince = last === null ? null : absence(last);
  const missed = awaySince === null ? 0 : due.missed - passedBy(job, last, awaySince, timezone);
  if (!isNew || missed <= 0) return;
  await outbox.announce(trx, {
    event: "tick_missed",
    title: `${job.name} missed ${missed} of its times`,
    message: `Nothing ran between ${toIso(awaySince ?? nowMs)} and now, ${missed === 1 ? "when it was due once more" : `when it was due ${missed} times more`}: was the machine off? One run makes up for all of it now. Look: afk status`,
    subject: job.name,
    occurrence: String(due.slotMs),
    job: job.name,
  });
}

/** Which jobs afk.yaml pauses, as the queue is told. */
async function notePauses({ config, store, clock }: Uses<"store" | "clock" | "config">): Promise<void> {
  const jobs = config.jobs.flatMap((job) => (job.isPaused ? [job.name] : []));
  const known = (await listPauses(store.db)).flatMap(({ by, job_name }) =>
    by === BY_FILE ? [job_name] : [],
  );
  if (new Set([...jobs, ...known]).size === jobs.length && jobs.length === known.length) return;
  await store.atomically((trx) => pauseByFile(trx, jobs, clock.nowMs()));
}

/**
 * Forgets where cron lines stand that afk.yaml does not have: what is put back later runs at its next time, and does not make up
 * for what nobody wanted meanwhile. Not in a fleet, where another machine may have read the file before, or not yet.
 */
async function forgetCronLines({ config, store }: Uses<"store" | "config">): Promise<void> {
  if (config.database !== null) return;
  const known = new Set(config.jobs.map(({ name, schedule }) => `${name} ${scheduleKey(schedule)}`));
  const rows = await store.db.selectFrom("schedules").select(["job_name", "schedule"]).execute();
  const gone = rows.filter(
    ({ job_name, schedule }) => schedule.startsWith("cron ") && !known.has(`${job_name} ${schedule}`),
  );
  const names = gone.map(({ job_name }) => job_name);
  if (names.length === 0) return;
  await store.atomically((trx) => trx.deleteFrom("schedules").where("job_name", "in", names).execute());
}

/** How a person adds a run. */
interface ByHand {
  payload?: unknown;
  key?: string;
  /** It runs although the job is paused. */
  force?: boolean;
}

/** The job is paused, and a run of it was not asked for in spite of that. */
class JobPaused extends AfkError {
  constructor(name: string) {
    const message = `${name} is paused, so a run of it would wait; go on with: afk unpause ${name}, or add this run in spite of it with --force. Look: afk status`;
    super("job_paused", message, { retry: "never" });
  }
}

/**
 * Adds a job that a person asked for. False when the key was used before.
 * @throws JobPaused unless it is forced.
 */
export async function enqueueByHand(
  { store, clock, config }: Uses<"store" | "clock" | "config">,
  job: JobConfig,
  options: ByHand,
): Promise<{ key: string; added: boolean; isPaused?: boolean }> {
  await notePauses({ store, clock, config });
  const paused = await isPaused(store.db, job.name);
  if (paused && options.force !== true) throw new JobPaused(job.name);
  const nowMs = clock.nowMs();
  const key = jobKey(options.key ?? `${job.name}@hand:${toIso(nowMs)}`);
  const label = labelByHand(nowMs, config.timezone);
  const { payload = null } = options;
  const added = await store.atomically(async (trx) => {
    refuseElsewhere(store);
    return await enqueue(trx, newJob(job, { key, slotMs: nowMs, label, byHand: true, payload }), nowMs);
  });
  return { key, added, ...(paused && { isPaused: true }) };
}

/** A job of afk.yaml by its name. Throws AfkError `unknown_job`, with the nearest name. */
export function jobNamed(jobs: readonly JobConfig[], name: string): JobConfig {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job !== undefined) return job;
  const names = jobs.map((candidate) => candidate.name);
  throw new AfkError("unknown_job", `afk.yaml has no job named ${name}. ${didYouMean(name, names)}`, {
    retry: "never",
    exitCode: EXIT.usage,
  });
}

/** When the next scheduled job that is not paused is due; null when there is none. */
export async function nextDueAt(dependencies: Uses<"config" | "store" | "clock">): Promise<number | null> {
  const { config, store, clock } = dependencies;
  const nowMs = clock.nowMs();
  const times: number[] = [];
  const lastSlotOf = await lastSlots(store.db);
  const paused = await pausedJobs(store.db);
  for (const job of config.jobs) {
    if (job.isPaused || paused.has(job.name)) continue;
    const last = lastSlotOf(job);
    const due = dueAt(job, last, nowMs, config.timezone);
    const from = due.type === "anchor" ? due.slotMs : (last ?? nowMs);
    const next = due.type === "due" ? nowMs : nextSlot(job, from, config.timezone);
    if (next !== null) times.push(next);
  }
  return times.length === 0 ? null : Math.min(...times);
}

/** The last slot of each job under the schedule that is written now; a changed schedule starts anew. */
async function lastSlots(db: Db): Promise<(job: JobConfig) => number | null> {
  const rows = await db.selectFrom("schedules").selectAll().execute();
  const byName = new Map(rows.map((row) => [row.job_name, row]));
  return (job) => slotUnder(byName.get(job.name), job);
}

async function pausedJobs(db: Db): Promise<Set<string>> {
  return new Set((await listPauses(db)).map(({ job_name }) => job_name));
}

function slotUnder(row: Selectable<SchedulesTable> | undefined, { schedule }: JobConfig): number | null {
  return row !== undefined && row.schedule === scheduleKey(schedule) ? row.last_slot_at : null;
}

async function rememberSlot(trx: Trx, job: JobConfig, slotMs: number): Promise<void> {
  const columns = { schedule: scheduleKey(job.schedule), last_slot_at: slotMs };
  await trx
    .insertInto("schedules")
    .values({ job_name: job.name, ...columns })
    .onConflict((conflict) => conflict.column("job_name").doUpdateSet(columns))
    .execute();
}

type Given = Pick<NewJob, "key" | "slotMs" | "label" | "byHand"> & { payload?: unknown };

function newJob({ name, kind, retry }: JobConfig, given: Given): NewJob {
  return { name, kind, maxAttempts: retry.attempts, payload: null, ...given };
}
