import type { Config } from "../config/config.ts";
import { toIso } from "../lib/clock.ts";
import { fleetNowMs } from "../store/now.ts";
import type { Db } from "../store/schema.ts";
import { listMachines, type MachineView } from "./machines.ts";
import type { Observation, Worker } from "./worker.ts";

/** A machine as `afk machines`, status and page show it. Instants are ISO 8601 in UTC. */
export interface MachineStatus {
  /** `worker`: its process runs jobs. `gateway`: it serves clients. */
  part: MachineView["part"];
  /** Made once, at random; the name is only what the host calls itself. */
  id: string;
  name: string;
  version: string;
  startedAt: string;
  /**
   * `live`: it takes part. `over`: it has not renewed its lease, and is lost unless it does so at once. `lost`: it gave no sign, and
   * others do its work. `ended`: it was told to end, and did.
   */
  lease: { state: MachineView["lease"]["state"]; until: string; since: string | null };
  jobs: MachineView["jobs"];
  /** Under way now. */
  calls: number;
  /** When it last looked at the kill switch. */
  lookedAt: string;
  clockOffMs: number;
}

/**
 * What was observed outside of the database, with what only a fleet's database says: what time it is, which machines there are,
 * and so whether somebody is at work. Without a fleet nothing is added.
 */
export async function observeFleet(
  db: Db,
  { database }: Pick<Config, "database">,
  observed: Observation,
): Promise<Observation> {
  if (database === null) return observed;
  const nowMs = await fleetNowMs(db);
  const machines = await listMachines(db, nowMs);
  return {
    ...observed,
    ...{ nowMs, machines },
    worker: stateOf(machines.filter(isWorker), observed.worker),
    // One that does nothing is its own clients' alone, whoever serves elsewhere.
    gateway:
      observed.gateway.state === "suspended"
        ? observed.gateway
        : stateOf(
            machines.filter((each) => !isWorker(each)),
            observed.gateway,
          ),
  };
}

/** Whether its process is there to run jobs. */
export function isWorker({ part }: Pick<MachineView, "part">): boolean {
  return part === "worker";
}

/** The lock of this machine says nothing of the others, and that its process still has a part in the fleet it does not say either. */
function stateOf(machines: readonly MachineView[], local: Worker): Worker {
  if (!machines.some(isLive)) return local.state === "suspended" ? local : { state: "none" };
  return { state: "working", pid: local.state === "working" ? local.pid : null };
}

/** Whether it takes part. */
export function isLive({ lease }: Pick<MachineView, "lease">): boolean {
  return lease.state === "live";
}

/** As people are shown it. */
export function machineStatus(machine: MachineView): MachineStatus {
  const { id, part, name, version, startedAt, lease, jobs, calls, lookedAt, clockOffMs } = machine;
  return {
    ...{ id, part, name, version, startedAt: toIso(startedAt) },
    lease: {
      state: lease.state,
      until: toIso(lease.until),
      since: lease.since === null ? null : toIso(lease.since),
    },
    ...{ jobs, calls, lookedAt: toIso(lookedAt), clockOffMs },
  };
}

/** The machines, and what time it is where their leases are kept. Of a database that no tick has been at yet, none. */
export async function listFleet(
  db: Db,
  { database }: Pick<Config, "database">,
): Promise<{ machines: MachineStatus[]; nowMs: number }> {
  if (database === null) return { machines: [], nowMs: 0 };
  const nowMs = await fleetNowMs(db);
  return { machines: (await listMachines(db, nowMs)).map(machineStatus), nowMs };
}
