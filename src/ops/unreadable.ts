import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { StoreRefused } from "../store/errors.ts";
import { explain } from "../store/sqlite/errors.ts";
import { otherOwner } from "../store/sqlite/file-owner.ts";

/**
 * Whether there is a file: what this user may not see is not said to be missing.
 * @throws StoreRefused
 */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The folder itself, or the nearest one above it that there is. */
export function nearestFolder(dir: string): string {
  const isFound = statSync(dir, { throwIfNoEntry: false }) !== undefined;
  return isFound || dir === dirname(dir) ? dir : nearestFolder(dirname(dir));
}

/**
 * A folder that is missing is no reason to refuse.
 * @throws StoreRefused when this user may not read what is in the folder.
 */
export function refuseUnreadable(dir: string): void {
  if (!isThere(dir)) return;
  try {
    accessSync(dir, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw unreadable(dir, error);
  }
}

/** What the system says of a file that cannot be read, in words; anything else passes as it is. */
export function unreadable(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code !== "EACCES" && code !== "EPERM") return explain(cause, path);
  const owner = otherOwner(path);
  const whose =
    owner === null
      ? ""
      : `, which belongs to the user ${owner.name}; look as that user: sudo ${owner.sudo} afk …`;
  return new StoreRefused("store_unreadable", `this user may not read ${path}${whose}`, { cause });
}
