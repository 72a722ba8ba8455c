import type { BudgetConfig } from "../config/config.ts";
import { dayIn } from "../lib/days.ts";
import type { WindowName } from "../store/schema.ts";

/** The minutes an hour's check adds up: the current one and the sixty before, so that no 60 minutes escape it. */
export const HOUR_MINUTES = 60;

/** Where in the agent's work a call is made: the tick's id and the job's key; null outside of one. */
export interface Scope {
  tick: string | null;
  job: string | null;
}

/** One window that a call counts in. `period` is the counter's row; an hour's rows are minutes. */
export interface Window {
  window: WindowName;
  period: string;
  capMicros: number | null;
}

export interface Periods {
  /** `2026-11-21T10:04`, UTC. */
  minute: string;
  /** `2026-11-21` in the agent's time zone. */
  day: string;
  /** `2026-11` in the agent's time zone. */
  month: string;
}

export function periodsAt(nowMs: number, timezone: string): Periods {
  const day = dayIn(nowMs, timezone);
  return { minute: minuteAt(nowMs), day, month: day.slice(0, 7) };
}

export function minuteAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

/**
 * Every window a call counts in, the narrowest first. Windows without a cap are counted too: a cap that is added
 * in the middle of a day then knows what the day has cost.
 */
export function windowsOf(periods: Periods, scope: Scope, budget: BudgetConfig): Window[] {
  const windows: Window[] = [
    { window: "hour", period: periods.minute, capMicros: budget.hourlyCapMicros },
    { window: "day", period: periods.day, capMicros: budget.dailyCapMicros },
    { window: "month", period: periods.month, capMicros: budget.monthlyCapMicros },
  ];
  if (scope.job !== null)
    windows.unshift({ window: "job", period: scope.job, capMicros: budget.jobCapMicros });
  if (scope.tick !== null)
    windows.unshift({ window: "tick", period: scope.tick, capMicros: budget.tickCapMicros });
  return windows;
}
