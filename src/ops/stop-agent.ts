import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Outbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { ConfigError } from "../config/errors.ts";
import { type Paths, refuseNoAgent } from "../config/locations.ts";
import { looseAgentName, namesDatabase } from "../config/loosely.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AfkError, messageOf, systemCode } from "../lib/errors.ts";
import { isUnreachable, StoreRefused } from "../store/errors.ts";
import { otherOwner } from "../store/sqlite/file-owner.ts";
import { peekOwner } from "../store/sqlite/open-reader.ts";
import type { Store } from "../store/store.ts";
import { FormerState } from "./own-state.ts";
import { type Stopped, stopByFile, stopByRow } from "./stop.ts";
import { whoHasSeen } from "./stop-fleet.ts";
import { readWorker, type Worker } from "./worker.ts";

/** What was stopped, and what became of it. */
export interface StopReport extends Stopped {
  /** The agent whose state it is; null where neither state nor configuration say. */
  agent: string | null;
  /** The state directory that the switch was set for. */
  state: string;
  worker: WorkerEnd;
  /** The process that serves the gateway now. The switch does not end it: it refuses, and says why. Null where there is none. */
  gateway: { pid: number | null; isSuspended: boolean } | null;
}

/** Null in `wasAtWork` where it cannot be told. `isGone`: nobody is at work any more; null where this process ends with the worker. */
export interface WorkerEnd {
  wasAtWork: boolean | null;
  pid: number | null;
  isSuspended: boolean;
  isGone: boolean | null;
  waitedMs: number;
}

/** How long the worker may take: it looks at the switch at least every two seconds, and then lets go of what it does. */
const WAIT_MS = 5_000;
const POLL_MS = 50;

/**
 * Sets the kill switch of the agent at `found`, which `open` opens, and waits until its worker is gone, and in a fleet until all
 * machines have seen it. It is set in the database; where
 * configuration or database are out of order it is set as the STOP file, since a switch must work when nothing else does.
 * @throws NoAgent where there is none; AfkError when nothing could be stopped.
 */
export async function stopAt(
  found: Paths,
  environment: Environment,
  reason: string,
  open: () => Promise<Opened>,
): Promise<StopReport> {
  refuseNoAgent(found);
  const before = workerOf(found.state);
  // A gateway that the worker serves keeps its process, and its container, after the worker's end.
  const staysUp = before !== null && before.state !== "none" && gatewayOf(found)?.pid === before.pid;
  const mayWait = staysUp || !endsWithWorker(before);
  const stopped = await stopByDatabase(open, reason, mayWait).catch((error: unknown): Stopped => {
    // The worker is in the other folder, and a file in this one would stop nobody.
    if (error instanceof FormerState) throw error;
    try {
      const why = `${reason} (the database could not be used: ${messageOf(error)})`;
      const isHereAlone = isOfFleet(found, environment, error);
      return { ...stopByFile(found.stopFile, why), ...(isHereAlone && { isHereAlone }) };
    } catch (failure) {
      throw notStopped(found, failure);
    }
  });
  const worker = await endOf(found.state, before, mayWait);
  return { ...stopped, agent: agentAt(found), state: found.state, worker, gateway: gatewayOf(found) };
}

/** What a stop needs of an agent. */
interface Opened {
  store: Store;
  outbox: Outbox;
  rails: { clock: Clock };
  config: Pick<Config, "database">;
  close(): Promise<void>;
}

/** `mayWait`: this process stays long enough to say what the other machines of a fleet do. */
async function stopByDatabase(
  open: () => Promise<Opened>,
  reason: string,
  mayWait: boolean,
): Promise<Stopped> {
  const agent = await open();
  try {
    const { store, config, rails } = agent;
    const { clock } = rails;
    const { atMs, ...stopped } = await stopByRow(agent, reason, clock);
    if (config.database === null) return stopped;
    return { ...stopped, machines: mayWait ? await whoHasSeen({ db: store.db, clock }, atMs) : null };
  } finally {
    await agent.close();
  }
}

/** Whether the state that could not be used is a fleet's. One that was refused and is no file here is, on a machine that has not taken part yet too. */
function isOfFleet(
  { configFile, machine, database }: Paths,
  environment: Environment,
  error: unknown,
): boolean {
  if (isUnreachable(error) || existsSync(machine)) return true;
  const isRefused =
    error instanceof StoreRefused ||
    systemCode(error) === "machines_older" ||
    (error instanceof ConfigError && namesDatabase(configFile, environment));
  return isRefused && !existsSync(database);
}

/**
 * A process that the engine put into the worker's container (docker exec) has no parent there, and is killed with the
 * worker: it has to say what it did before that.
 */
function endsWithWorker(before: Worker | null): boolean {
  const isPutIn = process.ppid === 0 && process.pid !== 1;
  return isPutIn && before !== null && before.state !== "none" && before.pid !== null;
}

function notStopped(found: Paths, cause: unknown): AfkError {
  const { state, stopFile, configFile } = found;
  const owner = otherOwner(dirname(stopFile));
  const who = agentAt(found) ?? "the agent";
  const message =
    owner === null
      ? `NOT stopped: the database of ${who} cannot be used, and ${stopFile} cannot be made (${messageOf(cause)}). Mend that, or end its worker; afk doctor says which process it is`
      : `NOT stopped: the state ${state} of ${who} belongs to the user ${owner.name}, and this is ${owner.us}. Say it as that user: sudo ${owner.sudo} afk stop --config ${configFile} --state ${state}`;
  return new AfkError("not_stopped", message, { retry: "never", cause });
}

/** The state knows it best; a configuration that is refused may still have a name in it. */
function agentAt({ configFile, state }: Paths): string | null {
  // Whatever the file does to its parser, the switch was set.
  return orNull(() => peekOwner(join(state, "afk.db")) ?? looseAgentName(configFile));
}

/** Null where it cannot be told. */
function workerOf(state: string): Worker | null {
  return orNull(() => readWorker(join(state, "lock.db")));
}

function gatewayOf({ gatewayLock }: Paths): StopReport["gateway"] {
  const gateway = orNull(() => readWorker(gatewayLock));
  if (gateway === null || gateway.state === "none") return null;
  return { pid: gateway.pid, isSuspended: gateway.state === "suspended" };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

async function endOf(state: string, before: Worker | null, mayWait: boolean): Promise<WorkerEnd> {
  if (!mayWait) return { ...whoIs(before), isGone: null, waitedMs: 0 };
  const began = systemClock.uptimeMs();
  let now = workerOf(state);
  while (now !== null && now.state !== "none" && systemClock.uptimeMs() - began < WAIT_MS) {
    await systemClock.sleep(POLL_MS);
    now = workerOf(state);
  }
  const isGone = now?.state === "none";
  const last = now === null || isGone ? before : now;
  return { ...whoIs(last), isGone, waitedMs: Math.round(systemClock.uptimeMs() - began) };
}

function whoIs(worker: Worker | null) {
  return {
    wasAtWork: worker === null ? null : worker.state !== "none",
    pid: worker !== null && "pid" in worker ? worker.pid : null,
    isSuspended: worker?.state === "suspended",
  };
}
