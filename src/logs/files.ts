import { readdirSync } from "node:fs";
import { join } from "node:path";

/** One file of the log: a UTC day (`YYYY-MM-DD`) and its part, counted from 1. */
export interface LogFile {
  path: string;
  name: string;
  day: string;
  part: number;
}

/** The UTC day of an instant, as the log's file names have it. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The name of a part of a UTC day: the first has no number. */
export function logFileName(day: string, part: number): string {
  return part === 1 ? `afk-${day}.jsonl` : `afk-${day}.${part}.jsonl`;
}

/** The log's own files in `dir`, oldest first; anything else in there is not looked at. A folder that is missing or cannot be read is empty. */
export function listLogFiles(dir: string): LogFile[] {
  const files: LogFile[] = [];
  for (const entry of entriesOf(dir)) {
    const match = /^afk-(\d{4}-\d{2}-\d{2})(?:\.(\d{1,6}))?\.jsonl$/.exec(entry.name);
    if (match?.[1] === undefined || !entry.isFile()) continue;
    const part = Number(match[2] ?? 1);
    // `.1.jsonl` and `.02.jsonl` are names that the log never writes.
    if (entry.name !== logFileName(match[1], part)) continue;
    files.push({ path: join(dir, entry.name), name: entry.name, day: match[1], part });
  }
  return files.sort((a, b) => (a.day === b.day ? a.part - b.part : a.day < b.day ? -1 : 1));
}

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    if (UNREADABLE.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** A worker goes on without its log when something else stands in its place; `afk logs` says what is wrong with it. */
const UNREADABLE = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM"]);

/** Whether the file system says that something is not there (ENOENT). */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
}
