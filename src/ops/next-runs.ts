import type { Config, Schedule } from "../config/config.ts";
import { nextCron } from "../lib/cron.ts";
import type { Db } from "../store/schema.ts";
import { readPaused } from "./paused.ts";

/** When a job of afk.yaml is due; `dueAt` is in the past when it waits for a tick, null for jobs that only a person starts, or that are paused. */
export type NextRun = Awaited<ReturnType<typeof readNextRuns>>[number];

/** Every job of afk.yaml with its next time, the earliest first. */
export async function readNextRuns(db: Db, config: Pick<Config, "jobs" | "timezone">, nowMs: number) {
  const paused = new Map((await readPaused(db, config)).map((each) => [each.job, each]));
  const rows = await db.selectFrom("schedules").selectAll().execute();
  const lastSlots = new Map(rows.map((row) => [`${row.job_name} ${row.schedule}`, row.last_slot_at]));
  const runs = config.jobs.map(({ name, schedule, after = [] }) => ({
    job: name,
    schedule,
    after,
    dueAt: paused.has(name)
      ? null
      : dueAt(schedule, lastSlots.get(`${name} ${scheduleKey(schedule)}`), config.timezone, nowMs),
    paused: paused.get(name) ?? null,
  }));
  return runs.sort((a, b) => (a.dueAt ?? Number.POSITIVE_INFINITY) - (b.dueAt ?? Number.POSITIVE_INFINITY));
}

/** How the table `schedules` has a schedule: a changed one starts anew, and what was the last slot of another says nothing. */
export function scheduleKey(schedule: Schedule): string {
  switch (schedule.type) {
    case "cron":
      return `cron ${schedule.expression}`;
    case "every":
      return `every ${schedule.intervalMs}`;
    case "manual":
      return "manual";
  }
}

function dueAt(schedule: Schedule, last: number | undefined, timezone: string, nowMs: number): number | null {
  // A slot of the future comes from a clock that was ahead; the count starts anew then.
  const from = last === undefined || last > nowMs ? nowMs : last;
  switch (schedule.type) {
    case "manual":
      return null;
    case "every":
      return last === undefined ? nowMs : from + schedule.intervalMs;
    case "cron":
      return nextCron(schedule.expression, timezone, from);
  }
}
