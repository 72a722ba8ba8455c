import { existsSync } from "node:fs";
import { findProcess } from "../../lib/processes.ts";
import { isLocked } from "./lock.ts";
import { lockedBy, readIfThere } from "./system-locks.ts";

/** Who holds a state directory. */
interface Holder {
  /** Null where the system does not say: it is in another container, or this is not Linux. */
  pid: number | null;
  /** It was told to wait (SIGSTOP, a debugger, a frozen container), and does nothing. */
  isSuspended: boolean;
}

/** The first of the bytes that SQLite locks (https://www.sqlite.org/fileformat.html, "The lock-byte page"). */
const LOCK_BYTES = { from: 0x4000_0000, count: 512 };

/**
 * The process that holds the lock now, or null. SQLite says whether there is one; the system's own table says which: it
 * alone would not do, since it names a file by its inode, and another file system may have the same one.
 */
export function lockHolder(path: string): Holder | null {
  if (!existsSync(path) || !isLocked(path)) return null;
  const found = lockedBy(path, LOCK_BYTES);
  const pid = found !== null && found > 0 ? found : null;
  return { pid, isSuspended: pid !== null && (findProcess(pid)?.isStopped || isFrozen(pid)) };
}

/** `docker pause` freezes the control group, in which a process looks asleep; from cgroups(7), version 2 and version 1. */
function isFrozen(pid: number): boolean {
  return readIfThere(`/proc/${pid}/cgroup`)
    .split("\n")
    .some((line) => {
      const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return controllers === ""
        ? /^frozen 1$/m.test(readIfThere(`/sys/fs/cgroup${path}/cgroup.events`))
        : controllers === "freezer" &&
            readIfThere(`/sys/fs/cgroup/freezer${path}/freezer.state`).startsWith("FROZEN");
    });
}
