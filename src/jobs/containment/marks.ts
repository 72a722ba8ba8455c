import { newId, type Randomness, systemRandomness } from "../../lib/ids.ts";
import { environmentOf, fileSizeLimitOf } from "./processes.ts";

/** How everything that one program started is told from the rest of the machine; children inherit both. */
export interface Marks {
  /** Value of AFK_EXEC in the environment. */
  cookie: string;
  /**
   * A limit on the size of files that no file reaches, in blocks: a mark that anybody may read, and that stays when the
   * environment is cleared. It is set where the kernel does not contain what is started.
   */
  fileSizeBlocks: number;
}

export const EXEC_VARIABLE = "AFK_EXEC";

/**
 * New marks for one run. `outer` is the cookie that afk itself carries when it was started by such a program; the new one
 * is put behind it, so that a sweep for the outer one finds what carries the inner one.
 */
export function newMarks(
  nowMs: number,
  outer: string | undefined,
  randomness: Randomness = systemRandomness,
): Marks {
  const id = newId(nowMs, randomness);
  const hasOuter = outer !== undefined && /^[0-9a-z/]{26,400}$/.test(outer);
  const noise = Buffer.from(randomness.bytes(4)).readUInt32BE(0);
  // From 144 petabytes on, one of 2^32 values, and small enough for 63 bits when counted in bytes.
  return { cookie: hasOuter ? `${outer}/${id}` : id, fileSizeBlocks: 2 ** 48 + noise };
}

/** Stand in front of a program: the shell sets the limit, where it can, and becomes the program. */
export function markingWords({ fileSizeBlocks }: Marks): string[] {
  return ["/bin/sh", "-c", 'ulimit -f "$0" 2>/dev/null; exec "$@"', String(fileSizeBlocks)];
}

/** Needs /proc; false for a process that has ended. */
export function isMarked(pid: number, marks: Marks): boolean {
  const limit = fileSizeLimitOf(pid);
  // Shells count in blocks of 512 bytes, some in blocks of 1024.
  if (limit === marks.fileSizeBlocks * 512 || limit === marks.fileSizeBlocks * 1024) return true;
  return cookiesOf(pid).some((cookie) => isOf(cookie, marks));
}

/** Whether a process says that it belongs to another run. */
export function isMarkedOtherwise(pid: number, marks: Marks): boolean {
  return cookiesOf(pid).some((cookie) => !isOf(cookie, marks));
}

function cookiesOf(pid: number): string[] {
  const name = `${EXEC_VARIABLE}=`;
  return environmentOf(pid).flatMap((entry) => (entry.startsWith(name) ? [entry.slice(name.length)] : []));
}

function isOf(cookie: string, marks: Marks): boolean {
  return cookie === marks.cookie || cookie.startsWith(`${marks.cookie}/`);
}
