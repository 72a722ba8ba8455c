import type { BudgetConfig } from "../../../src/config/config.ts";
import { MINUTE_MS } from "../../../src/lib/durations.ts";

const TOLERANCE_MS = 5 * MINUTE_MS;
export const ZONE = "Europe/Berlin";

/** A call as a book-keeper would write it down: no counters, one line each. */
export interface Line {
  id: string;
  state: "reserved" | "sending" | "unknown" | "settled" | "released";
  estimate: number;
  cost: number;
  tick: string | null;
  job: string | null;
  runner: string | null;
  deadlineMs: number;
  /** Budget time of the reservation. */
  atMs: number;
}

export type Caps = Omit<BudgetConfig, "warningThresholds">;
export type WindowName = "tick" | "job" | "hour" | "day" | "month";

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
  call: { estimate: number; tick: string | null; job: string | null },
  nowMs: number,
): WindowName | null {
  for (const [window, cap, isIn] of windows(model.caps, call, nowMs)) {
    if (cap !== null && (cap === 0 || charged(model.lines.filter(isIn)) + call.estimate > cap)) return window;
  }
  return null;
}

/** `window period` -> [settled, reserved, above the estimate], for every row that ought to be there. */
export function rows(model: Model): Record<string, [number, number, number]> {
  const found: Record<string, [number, number, number]> = {};
  for (const line of model.lines) {
    for (const key of keysOf(line)) {
      const row = found[key] ?? [0, 0, 0];
      found[key] = row;
      if (line.state === "settled") row[0] += line.cost;
      else if (line.state !== "released") row[1] += line.estimate;
      if (line.state === "settled") row[2] += Math.max(0, line.cost - line.estimate);
    }
  }
  return found;
}

/** Above the cap, less what was billed above its bound: must be nothing in any window right after an acceptance. */
export function above(model: Model, call: Line): WindowName[] {
  return windows(model.caps, call, call.atMs)
    .filter(([, cap, isIn]) => cap !== null && charged(model.lines.filter(isIn)) > cap)
    .map(([window]) => window);
}

function windows(
  caps: Caps,
  call: { tick: string | null; job: string | null },
  nowMs: number,
): [WindowName, number | null, (line: Line) => boolean][] {
  const today = dayOf(nowMs);
  const minute = Math.floor(nowMs / MINUTE_MS);
  return [
    ["tick", call.tick === null ? null : caps.tickCapMicros, (line) => line.tick === call.tick],
    ["job", call.job === null ? null : caps.jobCapMicros, (line) => line.job === call.job],
    ["hour", caps.hourlyCapMicros, (line) => minute - Math.floor(line.atMs / MINUTE_MS) <= 60],
    ["day", caps.dailyCapMicros, (line) => dayOf(line.atMs) === today],
    ["month", caps.monthlyCapMicros, (line) => dayOf(line.atMs).slice(0, 7) === today.slice(0, 7)],
  ];
}

function charged(lines: Line[]): number {
  let micros = 0;
  for (const line of lines) {
    if (line.state === "settled") micros += line.cost;
    else if (line.state !== "released") micros += line.estimate;
  }
  return micros;
}

function keysOf(line: Line): string[] {
  const day = dayOf(line.atMs);
  return [
    ...(line.tick === null ? [] : [`tick ${line.tick}`]),
    ...(line.job === null ? [] : [`job ${line.job}`]),
    `hour ${new Date(line.atMs).toISOString().slice(0, 16)}`,
    `day ${day}`,
    `month ${day.slice(0, 7)}`,
  ];
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
