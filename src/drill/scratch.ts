import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../store/durable-file.ts";
import { freeBytes } from "../store/sqlite/ballast.ts";

/** A scratch state with its ballast, some times over. */
const ROOM_BYTES = 64 * 1024 * 1024;

/** In the folder for temporary files or, where that has no room or may not be written, in the state directory. */
export function makeScratch(state: string): string {
  try {
    if (freeBytes(tmpdir()) >= ROOM_BYTES) return mkdtempSync(join(tmpdir(), `afk-drill-${process.pid}-`));
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  makeFolder(state);
  return mkdtempSync(join(state, `drill-${process.pid}-`));
}

function isRefused(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["EACCES", "EPERM", "EROFS", "ENOENT", "ENOSPC", "ENOTDIR"].includes(code);
}
