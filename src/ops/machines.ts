import { type Part, runnersOf } from "../rails/machine.ts";
import type { Db } from "../store/schema.ts";

/** A machine of a fleet, as people see it. Instants in epoch milliseconds. */
export interface MachineView {
  id: string;
  /** What its process does: it runs jobs, or serves clients. A machine that does both has one of each. */
  part: Part;
  /** What its host calls itself. */
  name: string;
  version: string;
  /** The newest migration that it knows. */
  level: string;
  runner: string;
  startedAt: number;
  lease: {
    /** `over`: it has given no sign for longer than its lease, and nobody has said yet that it is lost. */
    state: "live" | "over" | "lost" | "ended";
    until: number;
    /** When it was seen to be lost, or ended in order. */
    since: number | null;
  };
  /** Names and keys of the jobs that it runs, and how many calls it has under way. */
  jobs: { name: string; key: string }[];
  calls: number;
  /** When it last saw the kill switch, set or not. */
  lookedAt: number;
  /** How far its own clock is ahead of the database's. */
  clockOffMs: number;
}

const MACHINES_MAX = 1_000;

/** The machines of the fleet, those at work first; none where there is no fleet. */
export async function listMachines(db: Db, nowMs: number): Promise<MachineView[]> {
  const rows = await db
    .selectFrom("machines")
    .selectAll()
    .orderBy("lease_until", "desc")
    .orderBy("id")
    .orderBy("part", "desc")
    .limit(MACHINES_MAX)
    .execute();
  if (rows.length === 0) return [];
  const jobs = await db
    .selectFrom("jobs")
    .select(["name", "key", "runner"])
    .where("state", "=", "running")
    .orderBy("name")
    .execute();
  const calls = await db
    .selectFrom("ledger")
    .select((eb) => ["runner", eb.fn.countAll<number>().as("count")])
    .where("state", "in", ["reserved", "sending"])
    .groupBy("runner")
    .execute();
  return rows.map((row) => {
    const { from, below } = runnersOf(row.id, row.part);
    const isOf = ({ runner }: { runner: string | null }) => {
      return runner !== null && runner >= from && runner < below;
    };
    return {
      id: row.id,
      part: row.part,
      name: row.name,
      version: row.version,
      level: row.level,
      runner: row.runner,
      startedAt: row.started_at,
      lease: leaseOf(row, nowMs),
      jobs: jobs.filter(isOf).map(({ name, key }) => ({ name, key })),
      calls: calls.filter(isOf).reduce((sum, { count }) => sum + Number(count), 0),
      lookedAt: row.looked_at,
      clockOffMs: row.clock_off_ms,
    };
  });
}

/** How a machine's lease stands. */
export function leaseOf(
  row: { lease_until: number; lost_at: number | null; ended_at: number | null },
  nowMs: number,
): MachineView["lease"] {
  const { lease_until: until, lost_at: lost, ended_at: ended } = row;
  if (ended !== null) return { state: "ended", until, since: ended };
  if (lost !== null) return { state: "lost", until, since: lost };
  return { state: until > nowMs ? "live" : "over", until, since: null };
}
