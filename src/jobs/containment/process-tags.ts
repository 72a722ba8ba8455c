import { newId, type Randomness, systemRandomness } from "../../lib/ids.ts";
import { environmentOf, fileSizeLimitOf } from "../../lib/processes.ts";

/** Tags by which everything that one program started is distinguished from the rest of the machine; children inherit both. */
export interface ProcessTags {
  /** Value of AFK_EXEC in the environment. */
  cookie: string;
  /** A limit on file sizes that no file reaches, in blocks: anybody may read it, and it outlasts a cleared environment. */
  fileSizeBlocks: number;
}

/** The environment variable that carries the cookie. */
export const EXEC_VARIABLE = "AFK_EXEC";

/** Makes new tags for one run. `outer` is the cookie of afk itself, and stands before the new one: a sweep for it finds both. */
export function newTags(
  nowMs: number,
  outer: string | undefined,
  randomness: Randomness = systemRandomness,
): ProcessTags {
  const id = newId(nowMs, randomness);
  const hasOuter = outer !== undefined && /^[0-9a-z/]{26,400}$/.test(outer);
  const noise = Buffer.from(randomness.bytes(4)).readUInt32BE(0);
  // From 144 petabytes on, one of 2^32 values, and small enough for 63 bits when counted in bytes.
  return { cookie: hasOuter ? `${outer}/${id}` : id, fileSizeBlocks: 2 ** 48 + noise };
}

/** Goes before a command line: the shell sets the limit, where it can, and becomes the program. */
export function taggedCommand({ fileSizeBlocks }: ProcessTags): string[] {
  return ["/bin/sh", "-c", 'ulimit -f "$0" 2>/dev/null; exec "$@"', String(fileSizeBlocks)];
}

/** Needs /proc; false for a process that has ended. */
export function hasTags(pid: number, tags: ProcessTags): boolean {
  const limit = fileSizeLimitOf(pid);
  // Shells count in blocks of 512 bytes, some in blocks of 1024.
  if (limit === tags.fileSizeBlocks * 512 || limit === tags.fileSizeBlocks * 1024) return true;
  return cookiesOf(pid).some((cookie) => isOf(cookie, tags));
}

/** Whether a process carries the tag of another run. */
export function hasOtherTags(pid: number, tags: ProcessTags): boolean {
  return cookiesOf(pid).some((cookie) => !isOf(cookie, tags));
}

function cookiesOf(pid: number): string[] {
  const name = `${EXEC_VARIABLE}=`;
  return environmentOf(pid).flatMap((entry) => (entry.startsWith(name) ? [entry.slice(name.length)] : []));
}

function isOf(cookie: string, tags: ProcessTags): boolean {
  return cookie === tags.cookie || cookie.startsWith(`${tags.cookie}/`);
}
