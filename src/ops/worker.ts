import type { Config } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import { freeBytes } from "../store/sqlite/ballast.ts";
import { lockHolder } from "../store/sqlite/lock-holder.ts";
import { gatewayUrl, unansweredAt } from "./gateway-answers.ts";
import { readMark } from "./high-water.ts";
import type { MachineView } from "./machines.ts";
import { nearestFolder } from "./unreadable.ts";

/**
 * Whether somebody is at work in a state directory, as its lock says it. `pid` is null where the system does not say: the
 * process is in another container, or this is not Linux.
 */
export type Worker =
  | { state: "working"; pid: number | null }
  /** It holds the lock and does nothing: it was suspended (SIGSTOP, a debugger), or its container is frozen. */
  | { state: "suspended"; pid: number }
  | { state: "none" };

/** What stands outside of the database, and when it was looked at: before what it is compared with is read. */
export interface Observation {
  nowMs: number;
  /** In a fleet, once its database has been asked: whether somebody is at work on any machine. Until then this one's lock. */
  worker: Worker;
  /** Those of the fleet, once its database has been asked; none without one. */
  machines: readonly MachineView[];
  gateway: Worker;
  /** Why the process that serves the gateway does not answer; null where it does, or nobody was asked. */
  gatewayProblem: string | null;
  /** On the disk of the state. */
  freeBytes: number;
  /** What this machine has seen the database at: one that is read after it and is behind it is an older copy. */
  mark: ReturnType<typeof readMark>;
}

/** A gateway on the same machine that takes longer is busy or hangs. */
const ANSWER_MS_MAX = 1_000;

/**
 * Asks locks, disk and gateway, now.
 * @throws StoreRefused when a lock cannot be read.
 */
export async function observe(
  { paths, gateway: { listen, tls } }: Pick<Config, "paths" | "gateway">,
  clock: Clock,
): Promise<Observation> {
  const nowMs = clock.nowMs();
  const worker = readWorker(paths.lock);
  const gateway = readWorker(paths.gatewayLock);
  // One of another container may listen where this process cannot ask, and one with TLS is not asked from here.
  const isAsked = gateway.state === "working" && gateway.pid !== null && listen !== null && tls === null;
  const gatewayProblem = isAsked ? await unansweredAt(gatewayUrl(listen), ANSWER_MS_MAX) : null;
  return {
    nowMs,
    worker,
    machines: [],
    gateway,
    gatewayProblem,
    freeBytes: freeBytes(nearestFolder(paths.state)),
    mark: readMark(paths.highWater),
  };
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
