import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { handOver, makePrivateFolder, openNewPrivate } from "../lib/private-files.ts";
import { isDiskFull, StoreRefused } from "./errors.ts";
import { explain } from "./sqlite/errors.ts";

/**
 * Writes a file so that a power cut leaves the old one or the whole new one: a temporary file, fsync, rename, fsync of
 * the folder. Without the first fsync the name can reach the disk before the bytes do. A link at `path` is replaced, not
 * followed.
 * @param mode "private" is for this user alone; "shared" is as the umask says: what a person asked for, outside of the state.
 * @throws StoreRefused when the disk is full or the folder cannot be written.
 */
export function writeDurably(
  path: string,
  content: string | Uint8Array,
  mode: "private" | "shared" = "private",
): void {
  try {
    const temporary = writeTemporary(dirname(path), content, mode);
    try {
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncPath(dirname(path));
  } catch (error) {
    throw explain(error, path);
  }
}

/** Writes a new file, to the disk, under a name that nobody can have prepared; gives its path. Throws what the system says. */
export function writeTemporary(
  dir: string,
  content: string | Uint8Array,
  mode: "private" | "shared" = "private",
): string {
  const path = join(dir, `.afk-${newId(systemClock.nowMs())}.part`);
  const file = mode === "private" ? openNewPrivate(path) : openSync(path, "wx", 0o644);
  try {
    if (mode === "private") handOver(file, path);
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return path;
}

/**
 * Removes what writers that were cut off have left in a folder, where it is at least so old: one that is at work needs no more
 * than a moment. With 0 whoever else writes there must bear to lose what is under way.
 */
export function removeTemporary(dir: string, ageMs: number): void {
  const nowMs = systemClock.nowMs();
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(dir, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && Math.abs(nowMs - stats.mtimeMs) >= ageMs) rmSync(path, { force: true });
  }
}

const TEMPORARY = /^\.afk-[0-9a-z]{26}\.part$/;

/**
 * Makes a folder of the state, with those above it, whose names are on the disk before anything in it is relied on.
 * @throws StoreRefused where there can be none: for this user, or at all, as in /proc or below a file.
 */
export function makeFolder(dir: string): void {
  for (const made of make(dir)) syncPath(dirname(made));
}

function make(dir: string): string[] {
  try {
    return makePrivateFolder(dir);
  } catch (error) {
    if (isDiskFull(error)) throw explain(error, dir);
    throw new StoreRefused(
      "store_unwritable",
      `cannot make the folder ${dir} (${messageOf(error)}): name another one, or make the one above it writable for this user`,
      { cause: error },
    );
  }
}

/** Puts a file's bytes, or the names in a folder, on the disk. */
export function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
