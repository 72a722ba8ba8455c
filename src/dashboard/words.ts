import { dollars } from "../evidence/report/words.ts";
import { toIso } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { formatRelative } from "../lib/duration-text.ts";
import { MICROS_PER_USD } from "../lib/money.ts";
import { readRunKey } from "../lib/run-key.ts";
import { oneLine } from "../lib/text.ts";
import { momentText } from "../lib/zone.ts";
import { type Html, html } from "./html.ts";

const TEXT_CHARS_MAX = 600;

/** Text from outside on one line, without what hides or turns round its neighbours; the template escapes it. */
export function foreign(text: string, charsMax = TEXT_CHARS_MAX): Html {
  return html`<bdi>${oneLine(text, charsMax)}</bdi>`;
}

/** An amount in dollars as a sentence has it. */
export function usdText(usd: number): string {
  return dollars(Math.round(usd * MICROS_PER_USD));
}

/** How instants are shown: in the agent's time zone, with the day where it is not today. */
export interface Times {
  nowMs: number;
  timezone: string;
}

/** `06:30`, with the day before it where that is not today. */
function clockTime(ms: number, { nowMs, timezone }: Times): string {
  const text = momentText(ms, timezone);
  const weekday = "Sat ".length;
  return dayIn(ms, timezone) === dayIn(nowMs, timezone) ? text.slice(-"06:30".length) : text.slice(weekday);
}

/** An instant by the clock, with its day and time zone where it is pointed at. */
export function at(ms: number, times: Times): Html {
  return html`<time datetime="${toIso(ms)}" title="${wholeTime(ms, times)}">${clockTime(ms, times)}</time>`;
}

function wholeTime(ms: number, { timezone }: Times): string {
  return `${momentText(ms, timezone)} ${timezone}`;
}

/** An instant as seen from now, with the clock's time where it is pointed at. */
export function ago(ms: number, times: Times): Html {
  return html`<time datetime="${toIso(ms)}" title="${wholeTime(ms, times)}">${formatRelative(ms, times.nowMs)}</time>`;
}

/** `21 Nov` of `2026-11-21`. */
export function dayName(day: string): string {
  return momentText(Date.parse(day), "UTC").slice("Sat ".length, -" 00:00".length);
}

/** A run of a job as people name it, with its time instead of the key that holds it. */
export function runName(key: string, times: Times): Html {
  const run = readRunKey(key);
  if (run === null) return foreign(key, 120);
  return html`${foreign(run.name, 100)}, ${at(run.atMs, times)}${run.isByHand && " by hand"}`;
}
