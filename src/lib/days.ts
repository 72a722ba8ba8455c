import { DAY_MS } from "./durations.ts";
import { instantIn, wallTime } from "./zone.ts";

/** The calendar day of an instant in a time zone, `YYYY-MM-DD`. */
export function dayIn(ms: number, timezone: string): string {
  // Most agents live in UTC, and the first format of a process takes longer than all else that an idle tick computes.
  if (timezone === "UTC") return new Date(ms).toISOString().slice(0, 10);
  const { year, month, day } = wallTime(ms, timezone);
  return [year, month, day].map((part) => String(part).padStart(2, "0")).join("-");
}

/** `Sunday 29 November`, of `2026-11-29`. */
export function dayInWords(day: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "long", day: "numeric", month: "long" })
    .format(Date.parse(`${day}T00:00:00Z`))
    .replace(",", "");
}

/** `Sunday 29 November 06:00`, of the label of a period (`2026-11-29-0600`, or the day alone); any other label as it is. */
export function labelInWords(label: string): string {
  const [, day, hour, minute] = /^(\d{4}-\d{2}-\d{2})(?:-(\d{2})(\d{2}))?/.exec(label) ?? [];
  if (day === undefined) return label;
  return hour === undefined ? dayInWords(day) : `${dayInWords(day)} ${hour}:${minute}`;
}

/** `November 2026`, of `2026-11`. */
export function monthInWords(month: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "long", year: "numeric" }).format(
    Date.parse(`${month}-01T00:00:00Z`),
  );
}

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
