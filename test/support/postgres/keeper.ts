import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Owner } from "./owner.ts";

/**
 * Ends a server and removes its folder as soon as the process that started it is gone, in whatever way. It reads from a pipe
 * whose other end this process alone has: the system closes that end even after SIGKILL, and then the shell goes on.
 * The server's processes are those whose working folder is the data folder, so none of another server is ever met, nor one
 * that got a number for the second time. SIGCONT first, as a process may be suspended; the shared memory that a killed
 * server leaves is named in its lock file.
 */
const SCRIPT = `
folder=$1
signal() {
  found=1
  for process in /proc/[0-9]*; do
    if [ "$process/cwd" -ef "$folder/data" ]; then
      found=0
      for name; do kill -s "$name" "\${process#/proc/}" 2>/dev/null; done
    fi
  done
  return $found
}
while read -r line; do :; done
signal CONT QUIT
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  signal CONT || break
  sleep 0.1
done
while signal KILL; do sleep 0.1; done
memory=$(sed -n 7p "$folder/data/postmaster.pid" 2>/dev/null)
[ -z "$memory" ] || ipcrm -m "\${memory##* }" 2>/dev/null
rm -rf "$folder"
`;

export interface Keeper {
  /** Ends what runs in the folder, and removes it. */
  close(): Promise<void>;
}

/** Watches over `folder`, whose server has its data in `data`. It does not keep this process alive. */
export function keep(folder: string, owner: Owner): Keeper {
  // In a session of its own: Ctrl-C in a terminal ends the tests, and must leave the keeper to clear up after them.
  const child = spawn("/bin/sh", ["-c", SCRIPT, "keeper", folder], {
    ...owner,
    cwd: "/",
    detached: true,
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = exitOf(child);
  unref(child);
  return {
    async close() {
      child.ref();
      child.stdin?.end();
      await ended;
    },
  };
}

/** Resolves when the process is gone; rejects when it could not be started. */
export function exitOf(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.once("error", reject);
  // Whoever waits for it is told; nobody has to.
  promise.catch(() => undefined);
  return promise;
}

function unref(child: ChildProcess): void {
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
}

/** The ids of the processes whose working folder is `folder`: a server's, when that is its data. */
export function processesIn(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && workingFolder(name) === folder)
    .map(Number);
}

/** Null for a process that has just ended, that is ending, or that is another user's. */
function workingFolder(pid: string): string | null {
  try {
    return readlinkSync(join("/proc", pid, "cwd"));
  } catch {
    return null;
  }
}
