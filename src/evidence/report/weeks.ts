import { dayBounds, dayIn } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";

/** An ISO 8601 week, Monday to Sunday, of calendar days in the agent's time zone. */
export interface WeekName {
  /** `2026-W47`: the year is that of the week's Thursday. */
  week: string;
  firstDay: string;
  lastDay: string;
}

/** The part of a week that a report is about, up to but without `untilMs`. */
export interface WeekSpan extends WeekName {
  fromMs: number;
  untilMs: number;
  /** All seven days are in it, and over. */
  isWhole: boolean;
}

/** Ten years: more rows than anybody reads, and a bound on what a report asks of the database. */
export const WEEKS_MAX = 530;

/** The week of a day (`YYYY-MM-DD`). */
export function weekOf(day: string): WeekName {
  const date = Date.parse(`${day}T00:00:00Z`);
  const monday = date - ((new Date(date).getUTCDay() + 6) % 7) * DAY_MS;
  const thursday = new Date(monday + 3 * DAY_MS);
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const number = Math.floor((thursday.getTime() - yearStart) / (7 * DAY_MS)) + 1;
  return {
    week: `${thursday.getUTCFullYear()}-W${String(number).padStart(2, "0")}`,
    firstDay: dayText(monday),
    lastDay: dayText(monday + 6 * DAY_MS),
  };
}

/** The whole week that is `weeksBack` weeks before that of an instant; 0 is its own. */
export function weekAt(ms: number, timezone: string, weeksBack = 0): WeekSpan {
  const { firstDay } = weekOf(dayIn(ms, timezone));
  const name = weekOf(dayText(Date.parse(`${firstDay}T00:00:00Z`) - weeksBack * 7 * DAY_MS));
  const bounds = boundsOf(name, timezone);
  return { ...name, ...bounds, isWhole: bounds.untilMs <= ms };
}

/** The weeks from `fromMs` up to `untilMs`, oldest first, the first and last cut to that; at most `WEEKS_MAX`, the newest. */
export function weeksIn(span: { fromMs: number; untilMs: number }, timezone: string): WeekSpan[] {
  const weeks: WeekSpan[] = [];
  let untilMs = span.untilMs;
  while (untilMs > span.fromMs && weeks.length < WEEKS_MAX) {
    const name = weekOf(dayIn(untilMs - 1, timezone));
    const bounds = boundsOf(name, timezone);
    const fromMs = Math.max(bounds.fromMs, span.fromMs);
    const isWhole = fromMs === bounds.fromMs && untilMs === bounds.untilMs;
    weeks.push({ ...name, fromMs, untilMs, isWhole });
    untilMs = fromMs;
  }
  return weeks.reverse();
}

function boundsOf({ firstDay, lastDay }: WeekName, timezone: string) {
  return { fromMs: dayBounds(firstDay, timezone).fromMs, untilMs: dayBounds(lastDay, timezone).untilMs };
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
