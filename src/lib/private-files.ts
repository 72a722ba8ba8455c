import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";

/*
 * The state holds what the sources said and what the models answered: its folders and files are for the user alone who
 * runs the agent, whatever the umask says. It may also say less than that, so the modes are set and not only asked for.
 */

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Makes a folder, with those above it that are missing; gives what it made, the outermost first. Node's own `recursive` would
 * not do: where a system says of a folder whose parent is there that it is missing (/proc does), it asks again for ever, in
 * native code that no signal ends.
 */
export function makePrivateFolder(dir: string): string[] {
  if (isFolder(dir)) return [];
  const above = dirname(dir) === dir ? [] : makePrivateFolder(dirname(dir));
  try {
    mkdirSync(dir, FOLDER_MODE);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === "EEXIST" && isFolder(dir)) return above;
    throw error;
  }
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  // The umask may have left it closed to its owner too.
  if (!isRoot()) chmodSync(dir, FOLDER_MODE);
  const folder = openSync(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    fchmodSync(folder, FOLDER_MODE);
    handOver(folder, dir);
  } finally {
    closeSync(folder);
  }
  return [...above, dir];
}

/**
 * What root makes in a folder of another user's is that user's: a worker that runs as that user could neither read nor
 * replace it, now that it is for one user alone. What was opened is meant, not what has come into its place since.
 */
export function handOver(descriptor: number, path: string): void {
  if (!isRoot()) return;
  const { uid, gid } = statSync(dirname(path));
  if (uid === 0) return;
  try {
    fchownSync(descriptor, uid, gid);
  } catch {
    // Root of a user namespace, or without the right to: it stays root's.
    return;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Makes a file that is not there yet and opens it to be written. Throws EEXIST for anything that is there, a link too. */
export function openNewPrivate(path: string): number {
  const file = openSync(path, "wx", FILE_MODE);
  try {
    fchmodSync(file, FILE_MODE);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Makes an empty file where there is none, for those who would make it with whatever mode the umask leaves. */
export function makePrivateFile(path: string): void {
  try {
    const file = openNewPrivate(path);
    try {
      handOver(file, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
