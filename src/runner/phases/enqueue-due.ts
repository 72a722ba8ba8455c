import type { JobConfig, Schedule } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { didYouMean } from "../../lib/nearest.ts";
import { enqueue, jobKey, type NewJob } from "../../queue/enqueue.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { Uses, Writing } from "../dependencies.ts";
import { readAbsence } from "./absence.ts";
import { dueAt, labelByHand, nextSlot, passedBy } from "./schedule.ts";

/** Adds every job whose time has come. The key is the job's name and slot, so that twice is once. */
export async function enqueueDue({ config, store, outbox, clock }: Writing): Promise<void> {
  const absence = await readAbsence({ config, store, clock });
  for (const job of config.jobs) {
    await store.atomically(async (trx) => {
      const nowMs = clock.nowMs();
      const last = await lastSlot(trx, job);
      const due = dueAt(job, last, nowMs, config.timezone);
      if (due.type === "not_due") return;
      await rememberSlot(trx, job, due.slotMs);
      if (due.type === "anchor") return;
      const { slotMs, label } = due;
      const slot = { key: `${job.name}@${toIso(slotMs)}`, slotMs, label };
      const isNew = await enqueue(trx, newJob(job, { ...slot, byHand: false }), nowMs);
      // A slot that was run before comes again when the clock was set back; those before it were dealt with then.
      const awaySince = last === null ? null : absence(last);
      const missed = awaySince === null ? 0 : due.missed - passedBy(job, last, awaySince, config.timezone);
      if (isNew && missed > 0) {
        await outbox.announce(trx, {
          event: "tick_missed",
          title: `${job.name} missed ${missed} of its times`,
          message: `Nothing ran between ${toIso(awaySince ?? nowMs)} and now, ${missed === 1 ? "when it was due once more" : `when it was due ${missed} times more`}: was the machine off? One run makes up for all of it now. Look: afk status`,
          subject: job.name,
          occurrence: String(due.slotMs),
          job: job.name,
        });
      }
    });
  }
}

/** Adds a job that a person asked for. False when the key was used before. */
export async function enqueueByHand(
  { store, clock, config }: Uses<"store" | "clock" | "config">,
  job: JobConfig,
  options: { payload?: unknown; key?: string },
): Promise<{ key: string; added: boolean }> {
  const nowMs = clock.nowMs();
  const key = jobKey(options.key ?? `${job.name}@hand:${toIso(nowMs)}`);
  const label = labelByHand(nowMs, config.timezone);
  const { payload = null } = options;
  const added = await enqueue(
    store.db,
    newJob(job, { key, slotMs: nowMs, label, byHand: true, payload }),
    nowMs,
  );
  return { key, added };
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

/** When the next scheduled job is due; null when none is scheduled. */
export async function nextDueAt(dependencies: Uses<"config" | "store" | "clock">): Promise<number | null> {
  const { config, store, clock } = dependencies;
  const nowMs = clock.nowMs();
  const times: number[] = [];
  for (const job of config.jobs) {
    const last = await lastSlot(store.db, job);
    const due = dueAt(job, last, nowMs, config.timezone);
    const from = due.type === "anchor" ? due.slotMs : (last ?? nowMs);
    const next = due.type === "due" ? nowMs : nextSlot(job, from, config.timezone);
    if (next !== null) times.push(next);
  }
  return times.length === 0 ? null : Math.min(...times);
}

/** The last slot under the schedule that is written now; a changed schedule starts anew. */
async function lastSlot(db: Db, job: JobConfig): Promise<number | null> {
  const row = await db
    .selectFrom("schedules")
    .selectAll()
    .where("job_name", "=", job.name)
    .executeTakeFirst();
  return row !== undefined && row.schedule === textOf(job.schedule) ? row.last_slot_at : null;
}

async function rememberSlot(trx: Trx, job: JobConfig, slotMs: number): Promise<void> {
  const columns = { schedule: textOf(job.schedule), last_slot_at: slotMs };
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

function textOf(schedule: Schedule): string {
  switch (schedule.type) {
    case "cron":
      return `cron ${schedule.expression}`;
    case "every":
      return `every ${schedule.intervalMs}`;
    case "manual":
      return "manual";
  }
}
