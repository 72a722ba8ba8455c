import { sql } from "kysely";
import { DAY_MS } from "../lib/durations.ts";
import { type CapSpend, FLEET } from "../lib/windows.ts";
import { StoreRefused } from "../store/errors.ts";
import type { Db, Trx } from "../store/schema.ts";

/** A cap in money over all agents of one database that state it, by the day in UTC. */
export interface FleetCap {
  capMicros: number;
  /** The agent among them: its schema. */
  agent: string;
}

/** A call that was never settled is forgotten so long after its day, which it stays charged to. */
const FORGOTTEN_AFTER_MS = 40 * DAY_MS;

/*
 * The tables are in a schema of their own (store/postgres/fleet-tables.ts), and are written in the section that writes the agent's
 * own books. An agent's section has the agent's gate before it asks for this one, and nobody who has this one asks for
 * a gate: so no two agents wait for each other. To lower what an agent has spent needs no lock: its own gate keeps its row for it.
 */

/** What all agents have spent on the day that it is, behind the lock that lets one of them reserve at a time. */
export async function readFleetSpend(trx: Trx, fleet: FleetCap, nowMs: number): Promise<CapSpend> {
  // It never goes back: an agent that is new has seen no time yet.
  const locked = await sql<{ latest_at: number }>`update afk_fleet.gate
    set latest_at = greatest(latest_at, ${nowMs}) where id = 1 returning latest_at`.execute(trx);
  const [gate] = locked.rows;
  if (gate === undefined)
    throw new StoreRefused("store_damaged", "the row of afk_fleet.gate is missing; restore a backup");
  const period = dayOf(gate.latest_at);
  // A statement of its own: one that waits for the lock sees what there was before the wait.
  const { rows } = await sql<{ micros: number }>`
    select coalesce(sum(micros), 0)::bigint as micros from afk_fleet.days where day = ${period}`.execute(trx);
  return fleetCapSpend(fleet, { period, spent: rows[0]?.micros ?? 0 });
}

/** What all agents have spent on the day that it is, for whoever only looks; null where no agent with such a cap was started yet. */
export async function peekFleetSpend(
  db: Db,
  nowMs: number,
): Promise<{ period: string; settled: number; reserved: number } | null> {
  const tables = await sql<{ found: string | null }>`
    select to_regclass('afk_fleet.open_calls')::text as found`.execute(db);
  if (tables.rows[0]?.found == null) return null;
  const gate = await sql<{ latest_at: number }>`select latest_at from afk_fleet.gate where id = 1`.execute(
    db,
  );
  const period = dayOf(Math.max(nowMs, gate.rows[0]?.latest_at ?? 0));
  const { rows } = await sql<{ spent: number; reserved: number }>`select
    (select coalesce(sum(micros), 0)::bigint from afk_fleet.days where day = ${period}) as spent,
    (select coalesce(sum(micros), 0)::bigint from afk_fleet.open_calls where day = ${period}) as reserved`.execute(
    db,
  );
  const { spent = 0, reserved = 0 } = rows[0] ?? {};
  return { period, settled: spent - reserved, reserved };
}

/** The same as a cap that a call counts under. */
export function fleetCapSpend(
  { capMicros }: Pick<FleetCap, "capMicros">,
  { period, spent }: { period: string; spent: number },
): CapSpend {
  return { window: "day", scope: FLEET, period, unit: "usd", amount: "micros", cap: capMicros, spent };
}

/** Counts a reservation in, on the day that `readFleetSpend` gave. */
export async function addToFleet(
  trx: Trx,
  { agent }: FleetCap,
  call: { id: string; day: string; micros: number },
): Promise<void> {
  const { id, day, micros } = call;
  await sql`insert into afk_fleet.open_calls (agent, id, day, micros)
    values (${agent}, ${id}, ${day}, ${micros})`.execute(trx);
  const { rows } = await sql<{ micros: number }>`insert into afk_fleet.days as d (day, agent, micros)
    values (${day}, ${agent}, ${micros})
    on conflict (day, agent) do update set micros = d.micros + excluded.micros returning micros`.execute(trx);
  const isFirst = rows[0]?.micros === micros;
  if (!isFirst) return;
  const before = dayOf(Date.parse(day) - FORGOTTEN_AFTER_MS);
  await sql`delete from afk_fleet.open_calls where agent = ${agent} and day < ${before}`.execute(trx);
}

/** Puts what a call cost in the place of its reservation. One that was reserved before there was such a cap is not counted. */
export async function settleInFleet(
  trx: Trx,
  { agent }: FleetCap,
  call: { id: string; costMicros: number },
): Promise<void> {
  await sql`with settled as (
      delete from afk_fleet.open_calls where agent = ${agent} and id = ${call.id} returning day, micros)
    update afk_fleet.days set micros = days.micros + ${call.costMicros}::bigint - settled.micros
    from settled where days.day = settled.day and days.agent = ${agent}`.execute(trx);
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
