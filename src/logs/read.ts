import { dayOf, type LogFile, listLogFiles } from "./files.ts";
import { compileFilter, type LogEntry, type LogFilter } from "./filter.ts";
import { linesBackward, linesForward } from "./lines.ts";

export interface ReadOptions extends LogFilter {
  dir: string;
  /** Only the last so many of the lines that fit; they still come oldest first. */
  limit?: number | undefined;
}

/** Entries of the log, oldest first. `torn` counts what was no whole line of JSON, as a crash leaves it. */
export interface LogReader extends Iterable<LogEntry> {
  readonly torn: number;
}

/** Where to begin to read: files from this one on, and in it from this byte. */
export interface LogStart {
  file: LogFile;
  offset: number;
}

/**
 * Reads the log-book line by line, so that its size does not matter. `torn` is complete after the last line.
 * Throws what the file system says; a missing folder is an empty log.
 */
export function readLogs(options: ReadOptions): LogReader {
  const test = compileFilter(options);
  const reader = {
    torn: 0,
    *[Symbol.iterator]() {
      reader.torn = 0;
      const start = findStart(options);
      if (start === null) return;
      for (const file of wantedFiles(options)) {
        if (compareFiles(file, start.file) < 0) continue;
        for (const { raw } of linesForward(file.path, file.name === start.file.name ? start.offset : 0)) {
          const entry = test(raw);
          if (entry === "torn") reader.torn += 1;
          else if (entry !== null) yield entry;
        }
      }
    },
  };
  return reader;
}

/**
 * Where the last `limit` lines that fit begin; with fewer of them, or no limit, the first file there is. Reads from the end
 * of the newest file backwards and keeps nothing but the place. Null for an empty log.
 */
export function findStart(options: ReadOptions): LogStart | null {
  const files = wantedFiles(options);
  const [oldest] = files;
  if (oldest === undefined || (options.limit ?? 1) <= 0) return null;
  if (options.limit === undefined) return { file: oldest, offset: 0 };
  const test = compileFilter(options);
  let count = 0;
  for (const file of files.toReversed()) {
    for (const { raw, start } of linesBackward(file.path)) {
      const entry = test(raw);
      if (entry === null || entry === "torn") continue;
      count += 1;
      if (count >= options.limit) return { file, offset: start };
    }
  }
  return { file: oldest, offset: 0 };
}

/** The id of the tick that began last, as the log has it; null when there was none. */
export function lastTickId(dir: string): string | null {
  const test = compileFilter({ events: ["tick_started"] });
  for (const file of listLogFiles(dir).toReversed()) {
    for (const { raw } of linesBackward(file.path)) {
      const entry = test(raw);
      if (entry !== null && entry !== "torn" && typeof entry.line.tick === "string") return entry.line.tick;
    }
  }
  return null;
}

/** In the order in which they were written. */
export function compareFiles(a: LogFile, b: LogFile): number {
  return a.day === b.day ? a.part - b.part : a.day < b.day ? -1 : 1;
}

/** Files hold the lines of one UTC day, so other days need not be opened. */
function wantedFiles({ dir, sinceMs, untilMs }: ReadOptions): LogFile[] {
  const since = sinceMs === undefined ? "" : dayOf(sinceMs);
  const until = untilMs === undefined ? "9999" : dayOf(untilMs);
  return listLogFiles(dir).filter(({ day }) => day >= since && day <= until);
}
