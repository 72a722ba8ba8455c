import { statSync } from "node:fs";
import type { Clock } from "../lib/clock.ts";
import { listLogFiles } from "./files.ts";
import { compileFilter, type LogEntry } from "./filter.ts";
import { linesForward } from "./lines.ts";
import { compareFiles, findStart, type ReadOptions } from "./read.ts";

export interface FollowOptions extends ReadOptions {
  clock: Clock;
  /** Ends it. */
  signal: AbortSignal;
}

/** Files are asked, since events of the file system get lost on volumes. */
const POLL_MS = 500;

/** How far a file was read. */
interface Position {
  inode: number;
  offset: number;
}

/**
 * The last `limit` lines that fit, then each new one as it is written, across midnight and new parts of a day. Every
 * file is looked at each time, since another process may still write to an earlier part.
 */
export async function* followLogs(options: FollowOptions): AsyncGenerator<LogEntry> {
  const { clock, signal } = options;
  const test = compileFilter(options);
  const positions = startingPositions(options);
  while (!signal.aborted) {
    for (const path of pathsOf(options.dir, positions)) {
      for (const entry of newEntries(path, positions, test)) {
        if (signal.aborted) return;
        yield entry;
      }
    }
    await clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
}

/** What stands before the start has been read already, as it were. */
function startingPositions(options: ReadOptions): Map<string, Position> {
  const positions = new Map<string, Position>();
  const start = findStart(options);
  if (start === null) return positions;
  for (const file of listLogFiles(options.dir)) {
    const order = compareFiles(file, start.file);
    const stats = statSync(file.path, { throwIfNoEntry: false });
    if (order > 0 || stats === undefined) continue;
    positions.set(file.path, { inode: stats.ino, offset: order === 0 ? start.offset : stats.size });
  }
  return positions;
}

/** The files that are there now; places in those that retention has deleted are forgotten. */
function pathsOf(dir: string, positions: Map<string, Position>): string[] {
  const paths = listLogFiles(dir).map(({ path }) => path);
  for (const path of positions.keys()) if (!paths.includes(path)) positions.delete(path);
  return paths;
}

function* newEntries(
  path: string,
  positions: Map<string, Position>,
  test: ReturnType<typeof compileFilter>,
): Generator<LogEntry> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const known = positions.get(path);
  const isSame = known !== undefined && known.inode === stats.ino && known.offset <= stats.size;
  const position: Position = isSame ? known : { inode: stats.ino, offset: 0 };
  positions.set(path, position);
  if (position.offset === stats.size) return;
  for (const { raw, next, isWhole } of linesForward(path, position.offset)) {
    // Its end is being written.
    if (!isWhole) return;
    position.offset = next;
    const entry = test(raw);
    if (entry !== null && entry !== "torn") yield entry;
  }
}
