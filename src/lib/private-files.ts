import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, statSync } from "node:fs";
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
  chmodSync(dir, FOLDER_MODE);
  return [...above, dir];
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
    closeSync(openNewPrivate(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
