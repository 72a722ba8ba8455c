import { readFileSync, readlinkSync } from "node:fs";
import { hasOtherTags, type ProcessTags } from "./process-tags.ts";
import type { Process } from "./processes.ts";

/** The PID namespace of the machine itself; the kernel gives it the same number everywhere (PROC_PID_INIT_INO). */
const MACHINE = "pid:[4026531836]";

/** First processes of containers that do nothing but start one program and end with it. */
const INITS = new Set(["docker-init", "tini", "tini-static", "catatonit", "dumb-init"]);

/** Names the PID namespace of this process. Throws where there is no /proc. */
export function ownNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}

/**
 * Whether this process is what its container was started for: its first process, or the one that a minimal init has started.
 * Then the container ends with it, and nothing that has lost its parent in there is anybody else's. What `docker exec` starts
 * has no parent in the container.
 */
export function isOnlyTenant(): boolean {
  try {
    if (ownNamespace() === MACHINE) return false;
    return (
      process.pid === 1 || (process.ppid === 1 && INITS.has(readFileSync("/proc/1/comm", "utf8").trim()))
    );
  } catch {
    // Without /proc there is no container that we know of.
    return false;
  }
}

/**
 * In a container of ours, what has lost its parent was left by the program that ran, whatever it has made of its tags; unless
 * it says that it is another's. `worker` is afk's own process.
 */
export function isOrphan({ pid, parent }: Process, worker: number, tags: ProcessTags): boolean {
  return parent === 1 && pid !== worker && !hasOtherTags(pid, tags);
}
