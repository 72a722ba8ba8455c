import { toIso } from "../lib/clock.ts";
import { MICROS_PER_USD, usdFromMicros } from "../lib/money.ts";
import { oneLine } from "../lib/text.ts";
import { wallTime } from "../lib/zone.ts";
import { type Html, html } from "./html.ts";

const TEXT_CHARS_MAX = 600;

/** Text from outside on one line, without what hides or turns round its neighbours; the template escapes it. */
export function foreign(text: string, charsMax = TEXT_CHARS_MAX): Html {
  return html`<bdi>${oneLine(text, charsMax)}</bdi>`;
}

/** Dollars for a page: cents where that is exact or large, down to micro-dollars where it is not. */
export function usd(micros: number): string {
  const dollars = usdFromMicros(micros);
  if (micros === 0) return "$0";
  if (dollars >= 1000) return `$${Math.round(dollars).toLocaleString("en-US")}`;
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  return `$${dollars.toFixed(6).replace(/0{1,4}$/, "")}`;
}

/** The same of an amount that is in dollars already. */
export function usdText(dollars: number): string {
  return usd(Math.round(dollars * MICROS_PER_USD));
}

/** Whole cents, for columns of figures; what is less than one is not nothing. */
export function cents(micros: number): Html {
  if (micros === 0) return html`<span class="zero">$0.00</span>`;
  return html`<span title="${usd(micros)}">${micros < 10_000 ? "<$0.01" : `$${(Math.round(micros / 10_000) / 100).toFixed(2)}`}</span>`;
}

/** A figure of a table, in a quieter colour where it is 0. */
export function figure(value: number): Html {
  return value === 0 ? html`<span class="zero">0</span>` : html`${value.toLocaleString("en-US")}`;
}

/** `1 job`, `2 jobs`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? noun : plural}`;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** `2 min ago`, `in 3 h`, coarse: the page is looked at, not read with a stop-watch. The page's script keeps it true. */
export function relative(ms: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(ms - nowMs) / 1000);
  if (seconds < 5) return "now";
  for (const [unit, size] of UNITS) {
    if (seconds < size) continue;
    const text = `${Math.floor(seconds / size)} ${unit}`;
    return ms > nowMs ? `in ${text}` : `${text} ago`;
  }
  return "now";
}

/** How instants are shown: in the agent's time zone, with the day where it is not today. */
export interface Times {
  nowMs: number;
  timezone: string;
}

/** `06:30`, with the day before it where that is not today. */
export function clockTime(ms: number, { nowMs, timezone }: Times): string {
  const [then, now] = [wallTime(ms, timezone), wallTime(nowMs, timezone)];
  const time = `${twoDigits(then.hour)}:${twoDigits(then.minute)}`;
  if (then.day === now.day && then.month === now.month && then.year === now.year) return time;
  return `${then.day} ${MONTHS[then.month - 1] ?? ""} ${time}`;
}

/** An instant by the clock. */
export function at(ms: number, times: Times): Html {
  return html`<time datetime="${toIso(ms)}">${clockTime(ms, times)}</time>`;
}

/** An instant as seen from now, with the clock's time for who points at it. */
export function ago(ms: number, times: Times): Html {
  return html`<time datetime="${toIso(ms)}" title="${clockTime(ms, times)}" data-relative>${relative(ms, times.nowMs)}</time>`;
}

/** `21 Nov` of `2026-11-21`. */
export function dayName(day: string): string {
  const [, month, date] = day.split("-").map(Number);
  return `${date} ${MONTHS[(month ?? 1) - 1] ?? ""}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** A word of a command line: in quotes where a shell would take it for something else. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
