import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { explain } from "./errors.ts";

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

/** Makes a folder, with those above it, whose names are on the disk before anything in it is relied on. */
export function makeFolder(dir: string): void {
  const first = mkdirSync(dir, { recursive: true });
  if (first === undefined) return;
  for (let made = dir; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
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
