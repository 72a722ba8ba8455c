import { readFileSync, statSync } from "node:fs";

/**
 * The process that holds a write lock on a byte of `bytes` in the file, from proc(5):
 * `1: POSIX  ADVISORY  WRITE 4711 08:01:131090 1073741824 1073742335`. Null when none does, or the system does not say; 0 for
 * one that is in another container.
 */
export function lockedBy(path: string, bytes: { from: number; count: number }): number | null {
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  for (const line of readIfThere("/proc/locks").split("\n")) {
    const [, kind, , mode, pid, file = "", from] = line.trim().split(/\s+/);
    if (kind !== "POSIX" || mode !== "WRITE" || file.split(":").at(-1) !== String(inode)) continue;
    const offset = Number(from) - bytes.from;
    if (offset >= 0 && offset < bytes.count) return Math.max(0, Number(pid));
  }
  return null;
}

/** Empty where there is no such file: another system, or a process that has ended. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
