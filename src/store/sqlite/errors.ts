import { statSync } from "node:fs";
import { systemCode } from "../../lib/errors.ts";
import { isBusy, isDiskFull, StoreRefused } from "../errors.ts";
import { otherOwner } from "./file-owner.ts";
import { lockedBy, readIfThere } from "./system-locks.ts";

/** SQLite's own result code (`SQLITE_NOTADB`) if `error` came from it. */
export function sqliteCode(error: unknown): string | undefined {
  const code = systemCode(error);
  return code.startsWith("SQLITE_") ? code : undefined;
}

/** True when another process is at work on the database. */
export function isLockedOut(error: unknown): boolean {
  return isBusy(error) || (sqliteCode(error)?.startsWith("SQLITE_BUSY") ?? false);
}

/** The byte of the log's index that whoever writes has locked (https://www.sqlite.org/walformat.html, "WAL locks"). */
const WRITE_LOCK = { from: 120, count: 1 };

function busy(path: string): string {
  const pid = lockedBy(`${path}-shm`, WRITE_LOCK);
  const name = pid === null ? "" : readIfThere(`/proc/${pid}/comm`).trim();
  const who = name === "" ? "another program" : `process ${pid} (${name})`;
  return `${who} holds ${path} and lets nobody else write; nothing was changed. Wait until it is done, or end it, and start again`;
}

/** SQLite's errors in words that say what to do. Anything else passes as it is. */
export function explain(error: unknown, path: string): unknown {
  const refuse = (code: string, message: string) => new StoreRefused(code, message, { cause: error });
  const code = sqliteCode(error);
  if (code?.startsWith("SQLITE_BUSY")) return refuse("store_busy", busy(path));
  if (code === "SQLITE_NOTADB" || code?.startsWith("SQLITE_CORRUPT")) {
    const remedy = "Restore a backup, or stop every worker and move the file away to start anew";
    return refuse("store_damaged", `${path} is not a database or is damaged; nothing was changed. ${remedy}`);
  }
  if (
    code?.startsWith("SQLITE_READONLY") ||
    code?.startsWith("SQLITE_CANTOPEN") ||
    DENIED.has(systemCode(error))
  ) {
    const owner = otherOwner(path);
    const whose = owner === null ? "" : `; or do it as the user it belongs to: sudo ${owner.sudo}`;
    const remedy =
      "make its folder writable for this user (a file system mounted read-only cannot hold the state)";
    return refuse("store_unwritable", `cannot write ${path}: ${remedy}${whose}`);
  }
  // The index of the write-ahead log is a file of its own, which SQLite does not call full when it cannot grow.
  if (code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE" || isDiskFull(error))
    return refuse("disk_full", `the disk that holds ${path} is full; make room and start again`);
  if (code?.startsWith("SQLITE_IOERR"))
    return refuse(
      "store_io",
      `reading or writing ${path} failed (${code}); check the disk before starting again`,
    );
  return error;
}

/**
 * Refuses what is there and is no plain file: to read from a named pipe waits for ever, and from a device has no end.
 * @throws StoreRefused
 */
export function refuseSpecialFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== false) return;
  throw new StoreRefused("store_unwritable", `${path} is no plain file, and nothing was read from it`);
}

const DENIED = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  // A file is where the folder should be, or the other way round.
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  // No file can be made there, as in /proc, or nothing can have that name.
  "ENOENT",
  "ENAMETOOLONG",
  "ELOOP",
]);
