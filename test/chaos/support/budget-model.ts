import { MINUTE_MS } from "../../../src/lib/durations.ts";
import type { Amount, Amounts, Caps } from "../../../src/lib/windows.ts";

const TOLERANCE_MS = 5 * MINUTE_MS;
export const ZONE = "Europe/Berlin";

/** A call as a book-keeper would write it down: no counters, one line each. */
export interface Line {
  id: string;
  state: "reserved" | "sending" | "unknown" | "settled" | "released";
  estimate: Amounts;
  cost: Amounts;
  tick: string | null;
  job: string | null;
  runner: string | null;
  deadlineMs: number;
  /** Budget time of the reservation. */
  atMs: number;
}

export type WindowName = "tick" | "job" | "hour" | "day" | "week" | "month";
const AMOUNTS: readonly Amount[] = ["micros", "tokens", "calls"];
/** For each unit: settled, reserved, above the estimate. */
export type Row = Record<Amount, [number, number, number]>;

/** A machine's clocks and a list of calls: what the budget ought to be, by sums over the whole list. */
export interface Model {
  wallMs: number;
  uptimeMs: number;
  boot: number;
  caps: Caps;
  lines: Line[];
  /** The latest budget time, and what it was measured from; null before the first call. */
  time: { latestMs: number; boot: number; fromMs: number; uptimeMs: number } | null;
}

/** Budget time of the next call: the wall clock, unless it is behind, or ahead of what the uptime explains. */
export function readTime(model: Model): number {
  const { time, wallMs, uptimeMs, boot } = model;
  if (time === null) {
    model.time = { latestMs: wallMs, boot, fromMs: wallMs, uptimeMs };
    return wallMs;
  }
  const explained = time.boot === boot ? time.fromMs + uptimeMs - time.uptimeMs : wallMs;
  const believed = wallMs <= explained + TOLERANCE_MS ? wallMs : explained;
  const latestMs = believed > time.latestMs ? believed : time.latestMs;
  model.time = time.boot === boot ? { ...time, latestMs } : { latestMs, boot, fromMs: latestMs, uptimeMs };
  return latestMs;
}

/** The first window, narrowest first, that has no room; null when all have. */
export function refusing(
  model: Model,
  call: Pick<Line, "estimate" | "tick" | "job">,
  nowMs: number,
): WindowName | null {
  for (const [window, isIn] of windows(call, nowMs)) {
    const inIt = model.lines.filter(isIn);
    for (const amount of AMOUNTS) {
      const cap = model.caps[`${window}_${amount}`];
      if (cap !== undefined && (cap === 0 || charged(inIt, amount) + call.estimate[amount] > cap))
        return window;
    }
  }
  return null;
}

/** `window period` -> what it holds, for every row that ought to be there. */
export function rows(model: Model): Record<string, Row> {
  const found: Record<string, Row> = {};
  for (const line of model.lines) {
    for (const key of keysOf(line)) {
      const row = found[key] ?? { micros: [0, 0, 0], tokens: [0, 0, 0], calls: [0, 0, 0] };
      found[key] = row;
      for (const amount of AMOUNTS) {
        const [cost, estimate] = [line.cost[amount], line.estimate[amount]];
        if (line.state === "settled") row[amount][0] += cost;
        else if (line.state !== "released") row[amount][1] += estimate;
        if (line.state === "settled") row[amount][2] += Math.max(0, cost - estimate);
      }
    }
  }
  return found;
}

/** What is above a cap: must be nothing in any window right after an acceptance. */
export function above(model: Model, call: Line): string[] {
  return windows(call, call.atMs).flatMap(([window, isIn]) =>
    AMOUNTS.filter(
      (amount) => charged(model.lines.filter(isIn), amount) > (model.caps[`${window}_${amount}`] ?? Infinity),
    ).map((amount) => `${window}_${amount}`),
  );
}

/** The windows that a call is in, and which lines are in them too. */
function windows(
  call: { tick: string | null; job: string | null },
  nowMs: number,
): [WindowName, (line: Line) => boolean][] {
  const today = dayOf(nowMs);
  const minute = Math.floor(nowMs / MINUTE_MS);
  const runs: ReturnType<typeof windows> = [];
  if (call.tick !== null) runs.push(["tick", (line) => line.tick === call.tick]);
  if (call.job !== null) runs.push(["job", (line) => line.job === call.job]);
  return [
    ...runs,
    ["hour", (line) => minute - Math.floor(line.atMs / MINUTE_MS) <= 60],
    ["day", (line) => dayOf(line.atMs) === today],
    ["week", (line) => mondayOf(dayOf(line.atMs)) === mondayOf(today)],
    ["month", (line) => dayOf(line.atMs).slice(0, 7) === today.slice(0, 7)],
  ];
}

function charged(lines: Line[], amount: Amount): number {
  let sum = 0;
  for (const line of lines) {
    if (line.state === "settled") sum += line.cost[amount];
    else if (line.state !== "released") sum += line.estimate[amount];
  }
  return sum;
}

function keysOf(line: Line): string[] {
  const day = dayOf(line.atMs);
  return [
    ...(line.tick === null ? [] : [`tick ${line.tick}`]),
    ...(line.job === null ? [] : [`job ${line.job}`]),
    `hour ${new Date(line.atMs).toISOString().slice(0, 16)}`,
    `day ${day}`,
    `week ${weekOf(day)}`,
    `month ${day.slice(0, 7)}`,
  ];
}

/** The Monday that a day's week begins with. */
function mondayOf(day: string): string {
  const date = new Date(`${day}T12:00:00Z`);
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

const weeks = new Map<string, string>();

/** ISO 8601's name of a day's week, counted from the first Monday week that has the 4th of January. */
function weekOf(day: string): string {
  const monday = mondayOf(day);
  let week = weeks.get(monday);
  if (week === undefined) {
    const thursday = new Date(Date.parse(`${monday}T12:00:00Z`) + 3 * 86_400_000);
    const first = mondayOf(`${thursday.getUTCFullYear()}-01-04`);
    const count = 1 + Math.round((Date.parse(monday) - Date.parse(first)) / (7 * 86_400_000));
    week = `${thursday.getUTCFullYear()}-W${String(count).padStart(2, "0")}`;
    weeks.set(monday, week);
  }
  return week;
}

const days = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE });
const known = new Map<number, string>();

/** The day in Berlin, kept by the quarter of an hour, since no zone changes its day within one. */
function dayOf(ms: number): string {
  const quarter = Math.floor(ms / (15 * MINUTE_MS));
  let day = known.get(quarter);
  if (day === undefined) {
    day = days.format(ms);
    known.set(quarter, day);
  }
  return day;
}
