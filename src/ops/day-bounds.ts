import { DAY_MS } from "../lib/durations.ts";
import { instantIn } from "../lib/zone.ts";

/** The `count` calendar days that end with `day` (`YYYY-MM-DD`), oldest first. */
export function daysUpTo(day: string, count: number): string[] {
  const last = Date.parse(`${day}T00:00:00Z`);
  return Array.from({ length: count }, (_, index) =>
    new Date(last - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** From the first instant of a calendar day in a time zone up to that of the next, in epoch milliseconds. */
export function dayBounds(day: string, timezone: string): { fromMs: number; untilMs: number } {
  return { fromMs: midnight(day, 0, timezone), untilMs: midnight(day, 1, timezone) };
}

function midnight(of: string, daysLater: number, timezone: string): number {
  const date = new Date(Date.parse(`${of}T00:00:00Z`) + daysLater * DAY_MS);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  return instantIn(timezone, { year, month, day, hour: 0, minute: 0, second: 0 });
}
