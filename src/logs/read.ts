import { statSync } from "node:fs";
import type { Clock } from "../lib/clock.ts";
import type { Level } from "../lib/log.ts";
import { dayOf, type LogFile, listLogFiles } from "./files.ts";
import { type LogLine, parseLine } from "./line.ts";
import { linesBackward, linesForward } from "./lines.ts";

/** From the least to the worst. */
export const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly Level[];

/** Which lines of the log are wanted: those that fit every part that is stated. */
export interface ReadOptions {
  dir: string;
  tick?: string | undefined;
  job?: string | undefined;
  /** One of these events. */
  events?: readonly string[] | undefined;
  /** This level or a worse one. */
  level?: Level | undefined;
  /** From this instant on, in epoch milliseconds. */
  sinceMs?: number | undefined;
  /** Before this instant. */
  untilMs?: number | undefined;
  /** Only the last so many of the lines that fit; they still come oldest first. */
  limit?: number | undefined;
}

/** A line of the log and the text it was read from. */
export interface LogEntry {
  raw: string;
  line: LogLine;
}

/**
 * Entries of the log, oldest first, line by line, so that its size does not matter; what is no whole line of JSON, as a
 * crash leaves it, is passed over. Throws what the file system says; a missing folder is an empty log.
 */
export function* readLogs(options: ReadOptions): Generator<LogEntry> {
  const read = entryReader(options);
  for (const [path, offset] of findStarts(options)) {
    for (const { raw } of linesForward(path, offset)) {
      const entry = read(raw);
      if (entry !== null) yield entry;
    }
  }
}

/** The id of the tick that began last, as the log has it; null when there was none. */
export function lastTickId(dir: string): string | null {
  const read = entryReader({ events: ["tick_started"] });
  for (const file of listLogFiles(dir).toReversed()) {
    for (const { raw } of linesBackward(file.path)) {
      const tick = read(raw)?.line.tick;
      if (typeof tick === "string") return tick;
    }
  }
  return null;
}

/** Files are looked at again and again, since events of the file system get lost on volumes. */
const POLL_MS = 500;

/**
 * The last `limit` lines that fit, then each new one as it is written, across midnight and new parts of a day. Every
 * file is looked at each time, since another process may still write to an earlier part. `signal` ends it.
 */
export async function* followLogs(
  options: ReadOptions & { clock: Clock; signal: AbortSignal },
): AsyncGenerator<LogEntry> {
  const { clock, signal, dir } = options;
  const read = entryReader(options);
  const positions = startingPositions(options);
  while (!signal.aborted) {
    const files = listLogFiles(dir).map(({ path }) => path);
    // Retention has deleted the others.
    for (const path of positions.keys()) if (!files.includes(path)) positions.delete(path);
    for (const path of files) {
      for (const raw of newLines(path, positions)) {
        if (signal.aborted) return;
        const entry = read(raw);
        if (entry !== null) yield entry;
      }
    }
    await clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
}

/** How far a file was read. */
interface Position {
  inode: number;
  offset: number;
}

/** Counts what stands before the start as read; a file that is made meanwhile is read from its beginning. */
function startingPositions(options: ReadOptions): Map<string, Position> {
  const files = listLogFiles(options.dir);
  const starts = new Map(findStarts(options));
  const positions = new Map<string, Position>();
  for (const { path } of files) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined)
      positions.set(path, { inode: stats.ino, offset: starts.get(path) ?? stats.size });
  }
  return positions;
}

function* newLines(path: string, positions: Map<string, Position>): Generator<string> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const known = positions.get(path);
  const isSame = known !== undefined && known.inode === stats.ino && known.offset <= stats.size;
  const position: Position = isSame ? known : { inode: stats.ino, offset: 0 };
  positions.set(path, position);
  if (position.offset === stats.size) return;
  for (const { raw, next, isWhole } of linesForward(path, position.offset)) {
    // The rest of this line is being written.
    if (!isWhole) return;
    position.offset = next;
    yield raw;
  }
}

/**
 * The files that hold the last `limit` lines that fit, oldest first, each with the byte where they begin; all of them
 * without a limit. Reads from the end of the newest file backwards and keeps nothing but the places.
 */
function findStarts(options: ReadOptions): [path: string, offset: number][] {
  const paths = wantedFiles(options).map(({ path }) => path);
  let missing = options.limit ?? Infinity;
  if (missing === Infinity) return paths.map((path) => [path, 0]);
  const read = entryReader(options);
  const starts: [path: string, offset: number][] = [];
  for (const path of paths.toReversed()) {
    if (missing <= 0) break;
    let offset = 0;
    for (const { raw, start } of linesBackward(path)) {
      if (read(raw) !== null) missing -= 1;
      if (missing > 0) continue;
      offset = start;
      break;
    }
    starts.unshift([path, offset]);
  }
  return starts;
}

/** Files hold the lines of one UTC day, so other days need not be opened. */
function wantedFiles({ dir, sinceMs, untilMs }: ReadOptions): LogFile[] {
  const since = sinceMs === undefined ? "" : dayOf(sinceMs);
  const until = untilMs === undefined ? "9999" : dayOf(untilMs);
  return listLogFiles(dir).filter(({ day }) => day >= since && day <= until);
}

/** Makes the entry of a line that fits; null for any other. Most lines are ruled out by their text, before they are parsed. */
export function entryReader(wanted: Omit<ReadOptions, "dir">): (raw: string) => LogEntry | null {
  const { tick, job, events, level, sinceMs = -Infinity, untilMs = Infinity } = wanted;
  // As JSON has it, which is how a line that names it was written.
  const needles = [tick, job, events?.length === 1 ? events[0] : undefined].flatMap((text) =>
    text === undefined ? [] : [JSON.stringify(text)],
  );
  const rank = level === undefined ? 0 : LEVELS.indexOf(level);
  return (raw) => {
    if (!needles.every((needle) => raw.includes(needle))) return null;
    const line = parseLine(raw);
    if (line === null) return null;
    const atMs = Date.parse(line.ts);
    const isWanted =
      (tick === undefined || line.tick === tick) &&
      (job === undefined || line.job === job) &&
      (events === undefined || events.includes(line.event)) &&
      LEVELS.indexOf(line.level) >= rank &&
      atMs >= sinceMs &&
      atMs < untilMs;
    return isWanted ? { raw, line } : null;
  };
}
