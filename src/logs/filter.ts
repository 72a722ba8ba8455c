import type { Level } from "../lib/log.ts";
import { type LogLine, parseLine } from "./line.ts";

/** Which lines of the log are wanted: those that fit every part that is stated. */
export interface LogFilter {
  tick?: string | undefined;
  job?: string | undefined;
  /** One of these events. */
  events?: readonly string[] | undefined;
  /** This level or a worse one. */
  level?: Level | undefined;
  /** From this instant on. */
  sinceMs?: number | undefined;
  /** Before this instant. */
  untilMs?: number | undefined;
}

export const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly Level[];

/** A line of the log and the text it was read from. */
export interface LogEntry {
  raw: string;
  line: LogLine;
}

/**
 * A test of lines as they stand in the file: the entry, null for another line that is not wanted, "torn" for what is no line
 * of the log. Most lines are ruled out by their text, before they are parsed.
 */
export function compileFilter(filter: LogFilter): (raw: string | null) => LogEntry | "torn" | null {
  const { tick, job, events, level, sinceMs, untilMs } = filter;
  // As JSON has it, which is how a line that names it was written.
  const needles = [tick, job, events?.length === 1 ? events[0] : undefined].flatMap((text) =>
    text === undefined ? [] : [JSON.stringify(text)],
  );
  const wanted = events === undefined ? null : new Set(events);
  const rank = level === undefined ? 0 : LEVELS.indexOf(level);
  return (raw) => {
    if (raw === null) return "torn";
    if (!needles.every((needle) => raw.includes(needle))) return null;
    const line = parseLine(raw);
    if (line === null) return "torn";
    if (tick !== undefined && line.tick !== tick) return null;
    if (job !== undefined && line.job !== job) return null;
    if (wanted !== null && !wanted.has(line.event)) return null;
    if (LEVELS.indexOf(line.level) < rank) return null;
    const atMs = Date.parse(line.ts);
    if (atMs < (sinceMs ?? Number.NEGATIVE_INFINITY) || atMs >= (untilMs ?? Number.POSITIVE_INFINITY))
      return null;
    return { raw, line };
  };
}
