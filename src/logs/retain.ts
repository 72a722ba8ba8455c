import { rmSync, statSync } from "node:fs";
import { dayOf, type LogFile, listLogFiles } from "./files.ts";

/** What of the log is kept. */
interface RetainOptions {
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
  // Today's last part; before the day's first line, or with a clock that was set back, the newest file there is.
  const current = files.findLast((file) => file.day === dayOf(nowMs)) ?? files.at(-1);
  // A file that another process has deleted meanwhile takes no room.
  const sizeOf = ({ path }: LogFile) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  let total = files.reduce((sum, file) => sum + sizeOf(file), 0);

  const deleted: string[] = [];
  for (const file of files) {
    if (file === current || (file.day >= oldestKept && total <= maxBytes)) continue;
    total -= sizeOf(file);
    rmSync(file.path, { force: true });
    deleted.push(file.name);
  }
  return { deleted };
}
