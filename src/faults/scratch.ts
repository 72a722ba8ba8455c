import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../store/durable-file.ts";
import { freeBytes } from "../store/sqlite/ballast.ts";

/** A scratch state with its ballast, some times over. */
const ROOM_BYTES = 128 * 1024 * 1024;

/** Makes a new folder in `preferred` or, where that has no room or may not be written, in `otherwise`. */
export function makeScratch(prefix: string, preferred: string, otherwise: string): string {
  try {
    if (freeBytes(preferred) >= ROOM_BYTES) return mkdtempSync(join(preferred, prefix));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EACCES", "EPERM", "EROFS", "ENOENT", "ENOSPC", "ENOTDIR"].includes(code)) throw error;
  }
  makeFolder(otherwise);
  return mkdtempSync(join(otherwise, prefix));
}
