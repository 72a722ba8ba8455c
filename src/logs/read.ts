import { closeSync, openSync, readSync } from "node:fs";
import { dayOf, isMissing, type LogFile, listLogFiles } from "./files.ts";
import type { LogLine } from "./line.ts";

export interface ReadOptions {
  dir: string;
  /** Only lines whose field of this name has this value. */
  tick?: string;
  job?: string;
  event?: string;
  /** Only lines of this instant and later. */
  sinceMs?: number;
  /** Only the last so many of the lines that fit; they still come oldest first. */
  limit?: number;
}

/** Lines of the log, oldest first. `torn` counts those that were no whole line of JSON, as a crash leaves them. */
export interface LogReader extends Iterable<LogLine> {
  readonly torn: number;
}

/**
 * Reads the log-book line by line, so that its size does not matter. `torn` is complete after the last line.
 * Throws what the file system says; a missing folder is an empty log.
 */
export function readLogs(options: ReadOptions): LogReader {
  const reader = {
    torn: 0,
    *[Symbol.iterator]() {
      reader.torn = 0;
      const lines = matching(options, () => {
        reader.torn += 1;
      });
      yield* options.limit === undefined ? lines : lastOf(lines, options.limit);
    },
  };
  return reader;
}

const CHUNK_BYTES = 65_536;
/** No line that afk writes is near it. What is longer is not a line of the log. */
const LINE_BYTES_MAX = 1_048_576;
const NEWLINE = 0x0a;

function* matching(options: ReadOptions, onTorn: () => void): Generator<LogLine> {
  const { dir, tick, job, event, sinceMs } = options;
  const sinceDay = sinceMs === undefined ? "" : dayOf(sinceMs);
  for (const file of listLogFiles(dir)) {
    if (file.day < sinceDay) continue;
    for (const raw of linesOf(file)) {
      const line = raw === null ? null : parseLine(raw);
      if (line === null) {
        onTorn();
        continue;
      }
      if (tick !== undefined && line.tick !== tick) continue;
      if (job !== undefined && line.job !== job) continue;
      if (event !== undefined && line.event !== event) continue;
      if (sinceMs !== undefined && Date.parse(line.ts) < sinceMs) continue;
      yield line;
    }
  }
}

/** The file's lines without blank ones; null for one that is too long to be a line. */
function* linesOf(file: LogFile): Generator<string | null> {
  const descriptor = openIfThere(file.path);
  if (descriptor === null) return;
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    let isSkipping = false;
    for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
      let data = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE)) {
        if (isSkipping) yield null;
        else if (end > 0) yield data.toString("utf8", 0, end);
        isSkipping = false;
        data = data.subarray(end + 1);
      }
      if (data.length > LINE_BYTES_MAX) isSkipping = true;
      rest = isSkipping ? Buffer.alloc(0) : data;
    }
    if (isSkipping) yield null;
    else if (rest.length > 0) yield rest.toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** Null when retention has deleted the file since it was listed. */
function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** A line of the log, or null for anything else. */
export function parseLine(raw: string): LogLine | null {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { ts, level, event } = value as Record<string, unknown>;
  const isLine = typeof ts === "string" && typeof level === "string" && typeof event === "string";
  return isLine && !Number.isNaN(Date.parse(ts)) ? (value as LogLine) : null;
}

function lastOf(lines: Iterable<LogLine>, limit: number): LogLine[] {
  const kept: LogLine[] = [];
  if (limit <= 0) return kept;
  let next = 0;
  for (const line of lines) {
    kept[next % limit] = line;
    next += 1;
  }
  const oldest = next > limit ? next % limit : 0;
  return [...kept.slice(oldest), ...kept.slice(0, oldest)];
}
