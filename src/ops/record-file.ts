import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMissing } from "../logs/files.ts";
import { makeFolder, writeDurably } from "../store/durable-file.ts";

/**
 * A file in `runs/` that says what rows say: written whole, and only where it says something else. After a crash between
 * row and file the next call writes it. Gives whether it was written. @throws StoreRefused
 */
export function keepFile(runs: string, name: string, content: string): boolean {
  const path = join(runs, name);
  if (readIfThere(path) === content) return false;
  makeFolder(runs);
  writeDurably(path, content);
  return true;
}

/** The text of a file; null when there is none. */
export function readIfThere(path: string): string | null {
  try {
    // To read a pipe that somebody put there would never end.
    return statSync(path).isFIFO() ? null : readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
