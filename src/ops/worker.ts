import type { Config } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import { lockHolder } from "../store/sqlite/lock-holder.ts";

/**
 * Whether somebody is at work in a state directory, as its lock says it. `pid` is null where the system does not say: the
 * process is in another container, or this is not Linux.
 */
export type Worker =
  | { state: "working"; pid: number | null }
  /** It holds the lock and does nothing: it was suspended (SIGSTOP, a debugger), or its container is frozen. */
  | { state: "suspended"; pid: number }
  | { state: "none" };

/** What the lock said, and when: it has to be asked before what it is compared with is read. */
export interface WorkerObservation {
  worker: Worker;
  nowMs: number;
}

/** Asks the lock, now. */
export function observeWorker({ paths }: Pick<Config, "paths">, clock: Clock): WorkerObservation {
  const nowMs = clock.nowMs();
  return { worker: readWorker(paths.lock), nowMs };
}

/**
 * Asks the lock, which the system drops with its process, however that ends. Status, health, watchdog, doctor, page, metrics
 * and `afk stop` all ask here, so that they cannot differ.
 * @throws StoreRefused when the lock cannot be read.
 */
export function readWorker(lockPath: string): Worker {
  const holder = lockHolder(lockPath);
  if (holder === null) return { state: "none" };
  const { pid, isSuspended } = holder;
  return pid !== null && isSuspended ? { state: "suspended", pid } : { state: "working", pid };
}
