import { existsSync } from "node:fs";
import { isLocked } from "./lock.ts";
import { lockedBy, readIfThere } from "./system-locks.ts";

/** Who holds a state directory. */
export interface Holder {
  /** Null where the system does not say: it is in another container, or this is not Linux. */
  pid: number | null;
  /** It was told to wait (SIGSTOP, a debugger, a frozen container), and does nothing. */
  isStopped: boolean;
}

/** The first of the bytes that SQLite locks (https://www.sqlite.org/fileformat.html, "The lock-byte page"). */
const LOCK_BYTES = { from: 0x4000_0000, count: 512 };

/** The process that holds the lock now, or null. The system's own table is asked first, which takes nothing. */
export function lockHolder(path: string): Holder | null {
  if (!existsSync(path)) return null;
  const pid = lockedBy(path, LOCK_BYTES);
  if (pid !== null) return { pid: pid > 0 ? pid : null, isStopped: pid > 0 && isStopped(pid) };
  return isLocked(path) ? { pid: null, isStopped: false } : null;
}

/** From proc(5), after the name, which may hold anything: T is stopped, t is being traced. */
function isStopped(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return /^[Tt]$/.test(stat.slice(stat.lastIndexOf(")") + 2).charAt(0));
}
