import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import { wallTime } from "../../lib/zone.ts";

/** Dollars for a column: cents, in thousands without; what is less than a cent is not nothing. */
export function cents(micros: number): string {
  const size = Math.abs(micros);
  const sign = micros < 0 ? "-" : "";
  if (size === 0) return "$0";
  if (size < 10_000) return `${sign}<$0.01`;
  if (size >= 10_000 * MICROS_PER_USD)
    return `${sign}$${Math.round(size / MICROS_PER_USD).toLocaleString("en-US")}`;
  return `${sign}$${(Math.round(size / 10_000) / 100).toFixed(2)}`;
}

/** Dollars for a sentence: exact, but cents where there are dollars. */
export function dollars(micros: number): string {
  if (micros === 0) return "$0";
  return Math.abs(micros) < MICROS_PER_USD ? formatUsd(micros) : cents(micros);
}

/** A whole number with its thousands set apart. */
export function figure(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `3.2 k`, `4.1 M`: for columns of tokens. */
export function short(value: number): string {
  if (value < 10_000) return figure(value);
  return value < 1_000_000 ? `${Math.round(value / 1000)} k` : `${(value / 1_000_000).toFixed(1)} M`;
}

/** `1 call`, `2 calls`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${figure(value)} ${value === 1 ? noun : plural}`;
}

/** `97.5 %`; a share that is not quite 1 never reads as all of it. */
export function percent(share: number | null): string {
  if (share === null) return "-";
  if (share === 1) return "100 %";
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** Value out for each dollar in. `free` is a week in which something came out and nothing was put in. */
export function ratioText({ ratio, valueMicros }: { ratio: number | null; valueMicros: number }): string {
  if (ratio === null) return valueMicros > 0 ? "free" : "-";
  return ratio >= 100 ? figure(ratio) : ratio.toFixed(1);
}

/** Minutes as people say them: `40 min`, `1.5 h`. */
export function hours(minutes: number): string {
  if (minutes < 60) return `${figure(minutes)} min`;
  const tenths = Math.round(minutes / 6) / 10;
  return `${tenths >= 100 ? figure(tenths) : tenths} h`;
}

/** `2026-11-21 14:05` in a time zone. */
export function moment(ms: number, timezone: string): string {
  const { year, month, day, hour, minute } = wallTime(ms, timezone);
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
