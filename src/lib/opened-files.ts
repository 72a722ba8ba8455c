import { statSync } from "node:fs";
import { messageOf } from "./errors.ts";

/** A file as it was when it was opened. Plain data, so that a thread can be given it. */
export interface OpenedFile {
  path: string;
  /** Device and inode; an inode is not given to another file while somebody has it open. */
  id: string;
}

/** The files at `paths` that are there now. To be called when they have just been opened. */
export function openedFiles(paths: readonly string[]): OpenedFile[] {
  return paths.flatMap((path) => {
    const id = idOf(path);
    return id === null ? [] : [{ path, id }];
  });
}

/**
 * What has happened to the first file whose path no longer leads to what was opened: it was moved, deleted or replaced, or a
 * folder or link above it was. Null while all are in their places. It only asks for names: opening the file and closing it
 * again would take SQLite's locks on it along, which belong to the process.
 */
export function findReplaced(files: readonly OpenedFile[]): string | null {
  for (const { path, id } of files) {
    try {
      const now = idOf(path);
      if (now === null) return `${path} was moved or deleted`;
      if (now !== id) return `another file is in the place of ${path}`;
    } catch (error) {
      return `${path} cannot be looked at any more (${messageOf(error)})`;
    }
  }
  return null;
}

function idOf(path: string): string | null {
  // As bigints: some file systems have inodes that a double cannot tell apart.
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
