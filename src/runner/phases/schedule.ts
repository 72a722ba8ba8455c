import type { JobConfig, Schedule } from "../../config/config.ts";
import { latestCron, nextCron } from "../../lib/cron.ts";
import { dayIn } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";

/** Slots of a cron line that are counted after the machine was off; "more than" is enough to know beyond that. */
const MISSED_MAX = 1_000;

/** What a job's schedule says at an instant. All times are epoch milliseconds. */
type Due =
  /** Run for this slot; `missed` slots before it were never run. */
  | { type: "due"; slotMs: number; missed: number; label: string }
  /** Not due, and the count starts here: a cron line seen for the first time, or a clock that was set back. */
  | { type: "anchor"; slotMs: number }
  | { type: "not_due" };

/**
 * Whether a job is due. `every` is due at once the first time, a cron line at its next time. Slots that passed while
 * nobody ran come as one, the latest.
 */
export function dueAt(job: JobConfig, lastSlotMs: number | null, nowMs: number, timezone: string): Due {
  const { schedule } = job;
  if (schedule.type === "manual") return { type: "not_due" };
  if (lastSlotMs === null) {
    if (schedule.type === "cron") return { type: "anchor", slotMs: nowMs };
    return { type: "due", slotMs: nowMs, missed: 0, label: labelOf(schedule, nowMs, timezone) };
  }
  // A slot of the future comes from a clock that was ahead. Waiting for it could take years, and slots that were run
  // already are known by their keys.
  if (lastSlotMs > nowMs) return { type: "anchor", slotMs: nowMs };
  const { count, slotMs } =
    schedule.type === "every"
      ? everyPassed(schedule, lastSlotMs, nowMs)
      : cronPassed(schedule, lastSlotMs, nowMs, timezone);
  if (count === 0) return { type: "not_due" };
  return { type: "due", slotMs, missed: count - 1, label: labelOf(schedule, slotMs, timezone) };
}

/** How many slots after `lastSlotMs` had passed by an instant. */
export function passedBy(job: JobConfig, lastSlotMs: number | null, atMs: number, timezone: string): number {
  const due = dueAt(job, lastSlotMs, atMs, timezone);
  return due.type === "due" ? due.missed + 1 : 0;
}

/** The slot after `lastSlotMs`; null for jobs that only a person starts. */
export function nextSlot(job: JobConfig, lastSlotMs: number, timezone: string): number | null {
  switch (job.schedule.type) {
    case "manual":
      return null;
    case "every":
      return lastSlotMs + job.schedule.intervalMs;
    case "cron":
      return nextCron(job.schedule.expression, timezone, lastSlotMs);
  }
}

/** The date of a slot, with the time where several slots fall on one day: what the job's files are called by. */
export function labelOf(schedule: Schedule, slotMs: number, timezone: string): string {
  const day = dayIn(slotMs, timezone);
  return isOftenADay(schedule, slotMs, timezone) ? `${day}-${timeIn(slotMs, timezone)}` : day;
}

/** `2026-11-21-140509`: for work that a person starts, which can be any number of times a day. */
export function labelByHand(nowMs: number, timezone: string): string {
  const seconds = String(Math.floor(nowMs / 1_000) % 60).padStart(2, "0");
  return `${dayIn(nowMs, timezone)}-${timeIn(nowMs, timezone)}${seconds}`;
}

function everyPassed(schedule: { intervalMs: number }, lastSlotMs: number, nowMs: number) {
  const count = Math.floor((nowMs - lastSlotMs) / schedule.intervalMs);
  return { count, slotMs: lastSlotMs + count * schedule.intervalMs };
}

function cronPassed(schedule: { expression: string }, lastSlotMs: number, nowMs: number, timezone: string) {
  let count = 0;
  let slotMs = lastSlotMs;
  for (; count < MISSED_MAX; count++) {
    const next = nextCron(schedule.expression, timezone, slotMs);
    if (next === null || next > nowMs) return { count, slotMs };
    slotMs = next;
  }
  // More passed than are counted. Without the leap the next tick would make up for the rest with another run.
  return {
    count: count + 1,
    slotMs: Math.max(slotMs, latestCron(schedule.expression, timezone, nowMs) ?? 0),
  };
}

function isOftenADay(schedule: Schedule, slotMs: number, timezone: string): boolean {
  if (schedule.type === "manual") return true;
  if (schedule.type === "every") return schedule.intervalMs < DAY_MS;
  const day = dayIn(slotMs, timezone);
  const after = nextCron(schedule.expression, timezone, slotMs);
  if (after !== null && dayIn(after, timezone) === day) return true;
  const before = nextCron(schedule.expression, timezone, slotMs - DAY_MS);
  return before !== null && before < slotMs && dayIn(before, timezone) === day;
}

function timeIn(ms: number, timezone: string): string {
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return new Intl.DateTimeFormat("en-GB", { timeZone: timezone, ...parts }).format(ms).replace(":", "");
}
