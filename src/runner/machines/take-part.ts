import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Selectable } from "kysely";
import { type Clock, systemClock, toIso } from "../../lib/clock.ts";
import { AfkError, EXIT, systemCode } from "../../lib/errors.ts";
import { createNews } from "../../lib/news.ts";
import { findProcess } from "../../lib/processes.ts";
import { type Machine, newRunner, type Part } from "../../rails/machine.ts";
import { LEVEL } from "../../store/migrations.ts";
import type { MachinesTable } from "../../store/schema/fleet.ts";
import type { Trx } from "../../store/schema.ts";
import type { Uses } from "../dependencies.ts";
import { forgetGone } from "./gone.ts";
import { machineIdOf } from "./identity.ts";

/** A machine that has not renewed its lease for this long may do nothing any more. */
export const MACHINE_LEASE_MS = 15_000;
const LOOK_MS = 500;

/** The state folder is a copy of another machine's, which is at work. Exit code 78. */
export class MachineCopied extends AfkError {
  constructor(path: string, other: Pick<MachinesTable, "name" | "pid" | "started_at">) {
    const message =
      `another process has the id in ${path} and is at work with it (${other.name}, process ${other.pid}, since ${toIso(other.started_at)}); nothing was done. ` +
      "Two machines with one id would do each other's work. If this state folder is a copy of that one's, or of an image of it, remove this machine.json: this machine then is one of its own";
    super("machine_copied", message, { retry: "never", exitCode: EXIT.config });
  }
}

/**
 * Takes a part of this machine in its fleet, for the process that holds its lock in the state folder; null where there is no fleet. One
 * that had it and is certainly gone is followed at once, any other when its lease is over.
 * @throws MachineCopied when another process goes on to renew that lease.
 */
export async function takePart(
  dependencies: Uses<"config" | "store" | "rails" | "clock" | "randomness" | "version" | "log">,
  part: Part,
): Promise<Machine | null> {
  const { config, store, rails, clock, randomness, version, log } = dependencies;
  const id = machineIdOf(config, clock.nowMs(), randomness);
  if (id === null) return null;
  const runner = newRunner(id, part, clock.nowMs(), randomness);
  const self = { id, part, runner, version, ...thisProcess() };
  let before: Holder | null = null;
  for (;;) {
    const askedMs = clock.uptimeMs();
    const other = await store.atomically((trx) => takeIfFree(trx, self, clock));
    if (other === null) {
      log.event("info", "machine_joined", { machine: id, runner });
      return { id, part, runner, heldUntilMs: askedMs + MACHINE_LEASE_MS, left: createNews() };
    }
    if (before !== null && other.lease_until > before.lease_until)
      throw new MachineCopied(config.paths.machine, other);
    if (before === null) log.event("info", "machine_waits", { machine: id, until: toIso(other.lease_until) });
    before = other;
    await untilOver(dependencies, other, rails.watch.signal);
  }
}

/** Waits until a lease is over or was renewed. */
async function untilOver(
  { store, clock }: Uses<"store" | "clock">,
  other: Holder,
  signal: AbortSignal,
): Promise<void> {
  while (clock.nowMs() < other.lease_until) {
    await clock.sleep(LOOK_MS, signal);
    const now = await store.db
      .selectFrom("machines")
      .select("lease_until")
      .where("id", "=", other.id)
      .where("part", "=", other.part)
      .executeTakeFirst();
    if (now?.lease_until !== other.lease_until) return;
  }
}

type Holder = Selectable<MachinesTable>;
type Self = Pick<Holder, "id" | "part" | "runner" | "version" | "boot_id" | "pid" | "process_started">;

/** Writes the machine's row; gives the one that is there where somebody else may be at work with it. */
async function takeIfFree(trx: Trx, self: Self, clock: Clock): Promise<Holder | null> {
  const nowMs = clock.nowMs();
  const found = await trx
    .selectFrom("machines")
    .selectAll()
    .where("id", "=", self.id)
    .where("part", "=", self.part)
    .executeTakeFirst();
  if (found !== undefined && isLive(found, nowMs) && !isGone(found, self)) return found;
  await forgetGone(trx, nowMs);
  const columns = {
    ...self,
    name: hostname(),
    level: LEVEL,
    started_at: nowMs,
    lease_until: nowMs + MACHINE_LEASE_MS,
    looked_at: nowMs,
    clock_off_ms: systemClock.nowMs() - nowMs,
    lost_at: null,
    ended_at: null,
  };
  await trx
    .insertInto("machines")
    .values(columns)
    .onConflict((conflict) => conflict.columns(["id", "part"]).doUpdateSet(columns))
    .execute();
  return null;
}

function isLive({ lease_until, lost_at, ended_at }: Holder, nowMs: number): boolean {
  return lost_at === null && ended_at === null && lease_until > nowMs;
}

/** Whether the process of a row has certainly ended: only where its number means the same as here. */
function isGone(row: Holder, self: Self): boolean {
  if (row.boot_id !== self.boot_id) return false;
  return findProcess(row.pid)?.started !== row.process_started;
}

function thisProcess(): Pick<Self, "boot_id" | "pid" | "process_started"> {
  return {
    boot_id: `${systemClock.bootId()} ${processSpace()}`,
    pid: process.pid,
    process_started: findProcess(process.pid)?.started ?? "",
  };
}

/** Two containers on one kernel have the same boot, and each a first process of its own. */
function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch (error) {
    // Not Linux.
    return systemCode(error);
  }
}
