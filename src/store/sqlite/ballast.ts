import { existsSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { systemRandomness } from "../../lib/ids.ts";
import { writeDurably } from "../durable-file.ts";
import { isDiskFull } from "../errors.ts";

/** Enough for an alert, a tick's record and the write-ahead log that they go through. */
const BALLAST_BYTES = 4 * 1024 * 1024;
/** The ballast is only taken from a disk that has this much more to give. */
const FREE_TO_KEEP_IT_BYTES = 4 * BALLAST_BYTES;
/** Below this no work is begun: what it produces would not fit. */
const FREE_TO_WORK_BYTES = 2 * BALLAST_BYTES;

/** Bytes that the file system of `dir` has left for this user. */
export function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/** False when so little is free that work would only fill the disk. */
export function hasRoomToWork(dir: string): boolean {
  return freeBytes(dir) >= FREE_TO_WORK_BYTES;
}

/**
 * Keeps a file that takes up room, so that a full disk leaves a way to say that it is full. Random bytes, since some
 * file systems store zeros for nothing.
 */
export function keepBallast(dir: string): void {
  const path = join(dir, "ballast");
  if (existsSync(path) || freeBytes(dir) < FREE_TO_KEEP_IT_BYTES) return;
  writeDurably(path, systemRandomness.bytes(BALLAST_BYTES));
}

/** Does what must be written; on a full disk once more, in the room that the ballast gives back. */
export async function withBallast<T>(dir: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    dropBallast(dir);
    return await write();
  }
}

/** Gives the room back. The next tick that finds enough takes it again. */
export function dropBallast(dir: string): void {
  rmSync(join(dir, "ballast"), { force: true });
}
