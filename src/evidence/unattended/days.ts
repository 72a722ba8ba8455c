import { DAY_MS } from "../../lib/durations.ts";

/** How many calendar days `to` is after `from`; both `YYYY-MM-DD`. */
export function daysBetween(from: string, to: string): number {
  return Math.round((startOf(to) - startOf(from)) / DAY_MS);
}

/** The calendar days from `first` to `last`, both included; none when `last` is before. */
export function daysFrom(first: string, last: string): string[] {
  const count = Math.max(0, daysBetween(first, last) + 1);
  return Array.from({ length: count }, (_, index) =>
    new Date(startOf(first) + index * DAY_MS).toISOString().slice(0, 10),
  );
}

/** A calendar's days are all of one length in UTC, whatever a time zone does. */
function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
