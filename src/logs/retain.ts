import { statSync, unlinkSync } from "node:fs";
import { dayOf, isMissing, type LogFile, listLogFiles } from "./files.ts";

export interface RetainOptions {
  dir: string;
  /** By the wall clock, whose days (UTC) the files are named after. */
  nowMs: number;
  /** A file goes when its day is before this instant's. */
  keptFromMs: number;
  /** Bound on the size of all files together. */
  maxBytes: number;
}

/**
 * Deletes old log files, oldest first: by age, then until the rest fits. Touches only the log's own files and
 * never the newest one, which is being written. Gives the names of what it deleted. Throws what the file system says.
 */
export function retainLogs({ dir, nowMs, keptFromMs, maxBytes }: RetainOptions): { deleted: string[] } {
  const oldestKept = dayOf(keptFromMs);
  const files = listLogFiles(dir);
  const current = currentFile(files, dayOf(nowMs));
  const sizes = new Map(files.map((file) => [file, sizeOf(file)]));
  let total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);

  const deleted: string[] = [];
  for (const file of files) {
    if (file === current || (file.day >= oldestKept && total <= maxBytes)) continue;
    remove(file);
    total -= sizes.get(file) ?? 0;
    deleted.push(file.name);
  }
  return { deleted };
}

/** Today's last part; before the day's first line, or with a clock that was set back, the newest file there is. */
function currentFile(files: LogFile[], today: string): LogFile | undefined {
  return files.findLast((file) => file.day === today) ?? files.at(-1);
}

/** A file that another process has deleted meanwhile takes no room. */
function sizeOf(file: LogFile): number {
  return statSync(file.path, { throwIfNoEntry: false })?.size ?? 0;
}

function remove(file: LogFile): void {
  try {
    unlinkSync(file.path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
