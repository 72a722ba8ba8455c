import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import type { Fields, Level, Log } from "../lib/log.ts";
import { makePrivateFile, makePrivateFolder } from "../lib/private-files.ts";
import type { Redact } from "../lib/redact.ts";
import { dayOf, listLogFiles, logFileName } from "./files.ts";
import { formatLine } from "./line.ts";

/** Where the log goes, and what it must not say. */
export interface LogOptions {
  dir: string;
  clock: Clock;
  redact: Redact;
  /** Bound on all files together, which retainLogs keeps; one file holds a quarter of it. It may change. */
  maxBytes: number;
  /** Gets each line too, without its newline. Once it throws, that is logged (`log_sink_failed`) and it is not called again. */
  sink?: (line: string) => void;
  /** The least level that `sink` gets; the files get every level. "info" unless stated. */
  sinkLevel?: Level;
}

/**
 * The log: one JSON line a call, in `afk-YYYY-MM-DD.jsonl` by UTC day, continued in `.2.jsonl` and so on.
 * Several processes may write to one folder. Logging never fails the work: lines that could not be written are
 * counted, and the next one that can be is preceded by `log_dropped` with the count.
 */
export function createLog(options: LogOptions): Log & { close(): void } {
  const { clock, redact } = options;
  const file = appender(options.dir, () => Math.max(1, Math.floor(options.maxBytes / 4)));
  const sinkRank = RANK[options.sinkLevel ?? "info"];
  let sink = options.sink;
  let dropped = { lines: 0, error: "" };

  /** Writes the line, and before it, in the same write, what was lost; gives what was written. */
  function toFile(nowMs: number, line: string): string[] {
    const lines =
      dropped.lines === 0 ? [line] : [lineOf(nowMs, "warn", "log_dropped", [dropped], redact), line];
    try {
      file.append(dayOf(nowMs), lines.map((each) => `${each}\n`).join(""));
      dropped = { lines: 0, error: "" };
      return lines;
    } catch (error) {
      dropped = { lines: dropped.lines + 1, error: String(error) };
      return [line];
    }
  }

  function write(level: Level, event: string, fields: Fields[]): void {
    const nowMs = clock.nowMs();
    const lines = toFile(nowMs, lineOf(nowMs, level, event, fields, redact));
    if (sink === undefined || (RANK[level] < sinkRank && lines.length === 1)) return;
    try {
      for (const line of lines) sink(line);
    } catch (error) {
      // It would throw at every line from here on, so that is logged once.
      sink = undefined;
      toFile(nowMs, lineOf(nowMs, "warn", "log_sink_failed", [{ error }], redact));
    }
  }

  function bind(bound: Fields[]): Log {
    return {
      event: (level, event, fields = {}) => write(level, event, [...bound, fields]),
      child: (fields) => bind([...bound, fields]),
    };
  }
  return { ...bind([]), close: () => file.close() };
}

const RANK: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

function lineOf(nowMs: number, level: Level, event: string, fields: Fields[], redact: Redact): string {
  try {
    return formatLine(nowMs, level, event, Object.assign({}, ...fields), redact);
  } catch (error) {
    // A getter of the fields threw: that the event happened matters more than what it said.
    return formatLine(nowMs, level, event, { unreadable: String(error) }, redact);
  }
}

interface OpenFile {
  descriptor: number;
  day: string;
  part: number;
}

/** Appends to the day's last part, or begins the next one when it would grow past `partBytesMax`. */
function appender(dir: string, partBytesMax: () => number) {
  let open: OpenFile | null = null;

  function close(): void {
    if (open === null) return;
    const { descriptor } = open;
    open = null;
    closeSync(descriptor);
  }

  /** The file is looked at anew each time: another process may have appended to it, or somebody deleted it. */
  function fileFor(day: string, bytes: number): OpenFile {
    let stats = open === null || open.day !== day ? null : fstatSync(open.descriptor);
    if (open === null || stats === null || stats.nlink === 0) {
      close();
      open = openPart(dir, day, lastPart(dir, day));
      stats = fstatSync(open.descriptor);
    }
    const { size } = stats;
    if (size === 0 || size + bytes <= partBytesMax()) return open;
    const next = Math.max(open.part, lastPart(dir, day) - 1) + 1;
    close();
    open = openPart(dir, day, next);
    return open;
  }

  return {
    append(day: string, text: string): void {
      try {
        const bytes = Buffer.from(text);
        const { descriptor } = fileFor(day, bytes.length);
        const written = writeSync(descriptor, bytes);
        if (written < bytes.length)
          throw new Error(`only ${written} of ${bytes.length} bytes fitted on the disk`);
      } catch (error) {
        // Opening it again ends the torn line, and finds a folder that was put back.
        close();
        throw error;
      }
    },
    close,
  };
}

function lastPart(dir: string, day: string): number {
  return listLogFiles(dir).findLast((file) => file.day === day)?.part ?? 1;
}

function openPart(dir: string, day: string, part: number): OpenFile {
  makePrivateFolder(dir);
  const path = join(dir, logFileName(day, part));
  makePrivateFile(path);
  // O_APPEND: lines of two processes never overwrite each other. A pipe that somebody put there is not waited for.
  const { O_RDWR, O_APPEND, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDWR | O_APPEND | O_NONBLOCK);
  const size = fstatSync(descriptor).size;
  const last = Buffer.alloc(1);
  // A crash in the middle of a write left a line without its end; the next one must not be joined to it.
  if (size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE)
    writeSync(descriptor, "\n");
  return { descriptor, day, part };
}

const NEWLINE = 0x0a;
