import { dayBounds, dayIn } from "../../lib/days.ts";
import { isoWeek, plusDays, weekday } from "../../lib/windows.ts";

/** An ISO 8601 week, Monday to Sunday, of calendar days in the agent's time zone. */
interface WeekName {
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
  const firstDay = plusDays(day, -weekday(day));
  return { week: isoWeek(day), firstDay, lastDay: plusDays(firstDay, 6) };
}

/** The whole week that is `weeksBack` weeks before that of an instant; 0 is its own. */
export function weekAt(ms: number, timezone: string, weeksBack = 0): WeekSpan {
  const name = weekOf(plusDays(dayIn(ms, timezone), -7 * weeksBack));
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
