import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { dayOf, isMissing, type LogFile, listLogFiles } from "./files.ts";
import { parseLine } from "./line.ts";
import { linesBackward } from "./lines.ts";
import { entryReader, type LogEntry } from "./read.ts";

/** Which lines are wanted. Instants in epoch milliseconds. */
interface LogWindow {
  dir: string;
  tick?: string | undefined;
  job?: string | undefined;
  sinceMs: number;
  untilMs: number;
}

const BYTES_MAX = 4 * 1024 * 1024;
const LINES_MAX = 1_000;

/**
 * The last lines of a window, oldest first, in a time that no size of the log changes: the end of the window is searched
 * for, and what is read from there backward is bounded. `isCut` says that there may be earlier ones.
 */
export function readWindow(window: LogWindow): { entries: LogEntry[]; isCut: boolean } {
  const read = entryReader(window);
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (const { path } of filesOf(window).toReversed()) {
    for (const { raw } of linesBackward(path, endOf(path, window.untilMs))) {
      bytes += raw.length;
      if (bytes > BYTES_MAX || entries.length >= LINES_MAX)
        return { entries: entries.reverse(), isCut: true };
      const entry = read(raw);
      if (entry !== null) entries.push(entry);
      else if (isBefore(raw, window.sinceMs)) return { entries: entries.reverse(), isCut: false };
    }
  }
  return { entries: entries.reverse(), isCut: false };
}

function filesOf({ dir, sinceMs, untilMs }: LogWindow): LogFile[] {
  const [since, until] = [dayOf(sinceMs), dayOf(untilMs)];
  return listLogFiles(dir).filter(({ day }) => day >= since && day <= until);
}

/** Processes that write side by side are out of order by less. */
const DISORDER_MS = 5_000;

function isBefore(raw: string, sinceMs: number): boolean {
  const line = parseLine(raw);
  return line !== null && Date.parse(line.ts) < sinceMs - DISORDER_MS;
}

const CHUNK_BYTES = 64 * 1024;

/** A byte of the file behind the last line that was written until then. */
function endOf(path: string, untilMs: number): number | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const { size } = fstatSync(file);
    let [low, high] = [0, size];
    while (high - low > CHUNK_BYTES) {
      const middle = Math.floor((low + high) / 2);
      const at = instantNear(file, middle);
      if (at === null || at > untilMs + DISORDER_MS) high = middle;
      else low = middle;
    }
    return Math.min(size, high + CHUNK_BYTES);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** When the first whole line behind a byte was written; null where there is none near it. */
function instantNear(file: number, position: number): number | null {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const text = chunk.toString("utf8", 0, readSync(file, chunk, 0, CHUNK_BYTES, position));
  for (const raw of text.split("\n").slice(1, -1)) {
    const line = parseLine(raw);
    if (line !== null) return Date.parse(line.ts);
  }
  return null;
}
