import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freeBytes } from "../store/sqlite/ballast.ts";

/** Memory that looks like a disk: what is proved here does not need the real one, which is much slower. */
const MEMORY = "/dev/shm";
const ROOM_BYTES = 128 * 1024 * 1024;

/** A new folder in memory or, where that has no room, among the temporary files. */
export function makeScratch(): string {
  try {
    if (freeBytes(MEMORY) >= ROOM_BYTES) return mkdtempSync(join(MEMORY, "afk-simulate-"));
  } catch (error) {
    // No such folder, or not for this user: then the ordinary place.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  return mkdtempSync(join(tmpdir(), "afk-simulate-"));
}
