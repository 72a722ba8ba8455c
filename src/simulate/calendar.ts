import { createHash } from "node:crypto";
import { dayIn } from "../lib/days.ts";
import { parseLine } from "../logs/line.ts";
import type { FaultName } from "./fault-names.ts";

/** What one day brought, as a person would note it. Money in micro-dollars. */
export interface Day {
  /** `2026-11-21`, by a clock that is right. */
  date: string;
  ticks: number;
  /** Ticks of the timer that had nothing to do and were passed over. */
  idle: number;
  outputs: number;
  digests: number;
  units: number;
  requests: number;
  /** By the provider's own bill. */
  billedMicros: number;
  /** Calls and jobs that a rail refused, by its name. */
  refused: Record<string, number>;
  /** What went wrong on purpose. */
  faults: { fault: FaultName; words: string }[];
  /** What the person did. */
  person: string[];
  /** Titles of what the person was told. */
  told: string[];
}

/** The days so far, and a fingerprint of everything that happened in them. */
export type Calendar = ReturnType<typeof createCalendar>;

/** An empty calendar; `onDay` is called when a day is over. */
export function createCalendar(timezone: string, trueMs: () => number, onDay: (day: Day) => void) {
  const days: Day[] = [];
  const hash = createHash("sha256");
  return {
    today(): Day {
      const date = dayIn(trueMs(), timezone);
      const last = days.at(-1);
      if (last?.date === date) return last;
      if (last !== undefined) onDay(last);
      const day = emptyDay(date);
      days.push(day);
      return day;
    },
    days: (): readonly Day[] => days,
    /** Adds to the fingerprint. By which inode and time of the real disk a STOP file is known is no part of it. */
    stamp: (line: string) => void hash.update(`${line.replace(STOP_FILE, "$1")}\n`),
    fingerprint: () => hash.copy().digest("hex"),
  };
}

const STOP_FILE = /(kill_set:file:\d+)[.\d]*/g;

function emptyDay(date: string): Day {
  const counts = { ticks: 0, idle: 0, outputs: 0, digests: 0, units: 0, requests: 0, billedMicros: 0 };
  return { date, ...counts, refused: {}, faults: [], person: [], told: [] };
}

/** Most lines are no refusal, and are not parsed. */
const REFUSAL = /"event":"(?:cap_hit|kill_seen)"/;

/** What a line of the agent's log adds to the day. `isCapChanged`: the person has set another daily cap. */
export function readLine(raw: string, day: Day, isCapChanged: boolean): void {
  if (!REFUSAL.test(raw)) return;
  const line = parseLine(raw);
  if (line === null) return;
  const isTheirs = line.window === "day" && isCapChanged;
  const cap = `${String(line.window)} cap${isTheirs ? ", changed by the person" : ""}`;
  const name = line.event === "cap_hit" ? cap : "kill switch";
  day.refused[name] = (day.refused[name] ?? 0) + 1;
}
