import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder with those above it that are missing; gives the first that was made, or undefined when all were there.
 * Node's own `recursive` would do, but for a system that says of a folder whose parent is there that it is missing (/proc
 * does): of that one it asks again for ever, in native code that no signal ends.
 */
export function makeFolders(dir: string): string | undefined {
  try {
    return makeOne(dir);
  } catch (error) {
    const above = dirname(dir);
    if (!isMissing(error) || above === dir) throw error;
    const first = makeFolders(above);
    // Once: all that is above it is there now.
    const made = makeOne(dir);
    return first ?? made;
  }
}

function makeOne(dir: string): string | undefined {
  try {
    mkdirSync(dir);
    return dir;
  } catch (error) {
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
