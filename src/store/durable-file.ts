import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../lib/errors.ts";
import { makeFolders } from "../lib/folders.ts";
import { explain, isDiskFull, StoreRefused } from "./errors.ts";

/**
 * Writes a file so that a power cut leaves the old one or the whole new one: a temporary file, fsync, rename, fsync of
 * the folder. Without the first fsync the name can reach the disk before the bytes do.
 * @throws StoreRefused when the disk is full or the folder cannot be written.
 */
export function writeDurably(path: string, temporary: string, content: string): void {
  try {
    writeSynced(temporary, content);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw explain(error, path);
  }
}

function writeSynced(path: string, content: string): void {
  const file = openSync(path, "w", 0o644);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a folder, with those above it, whose names are on the disk before anything in it is relied on.
 * @throws StoreRefused where there can be none: for this user, or at all, as in /proc or below a file.
 */
export function makeFolder(dir: string): void {
  const first = make(dir);
  if (first === undefined) return;
  for (let made = dir; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

function make(dir: string): string | undefined {
  try {
    return makeFolders(dir);
  } catch (error) {
    if (isDiskFull(error)) throw explain(error, dir);
    throw new StoreRefused(
      "store_unwritable",
      `cannot make the folder ${dir} (${messageOf(error)}): name another one, or make the one above it writable for this user`,
      { cause: error },
    );
  }
}

/** Puts the names in a folder on the disk. */
export function syncFolder(dir: string): void {
  const folder = openSync(dir, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
