import { existsSync, readFileSync, statSync } from "node:fs";
import { isLocked } from "./lock.ts";

/** Who holds a state directory. */
export interface Holder {
  /** Null where the system does not say: it is in another container, or this is not Linux. */
  pid: number | null;
  /** It was told to wait (SIGSTOP, a debugger, a frozen container), and does nothing. */
  isStopped: boolean;
}

/** The first of the bytes that SQLite locks (https://www.sqlite.org/fileformat.html, "The lock-byte page"). */
const LOCK_BYTE = 0x4000_0000;
const LOCK_BYTES = 512;

/** The process that holds the lock now, or null. The system's own table is asked first, which takes nothing. */
export function lockHolder(path: string): Holder | null {
  if (!existsSync(path)) return null;
  const pid = pidInTable(statSync(path).ino);
  if (pid !== null) return { pid: pid > 0 ? pid : null, isStopped: pid > 0 && isStopped(pid) };
  return isLocked(path) ? { pid: null, isStopped: false } : null;
}

/** From proc(5): `1: POSIX  ADVISORY  WRITE 4711 08:01:131090 1073741824 1073742335`; a dead or foreign process is 0 or -1. */
function pidInTable(inode: number): number | null {
  for (const line of readIfThere("/proc/locks").split("\n")) {
    const [, kind, , mode, pid, file = "", from] = line.trim().split(/\s+/);
    if (kind !== "POSIX" || mode !== "WRITE" || file.split(":").at(-1) !== String(inode)) continue;
    const offset = Number(from) - LOCK_BYTE;
    if (offset >= 0 && offset < LOCK_BYTES) return Number(pid);
  }
  return null;
}

/** From proc(5), after the name, which may hold anything: T is stopped, t is being traced. */
function isStopped(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return /^[Tt]$/.test(stat.slice(stat.lastIndexOf(")") + 2).charAt(0));
}

/** Empty where there is no such file: another system, or a process that has ended. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
