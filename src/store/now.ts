import { sql } from "kysely";
import type { Db } from "./schema.ts";

/** What a fleet's database has for the time, in epoch milliseconds. Only for PostgreSQL. */
export async function databaseNowMs(db: Db): Promise<number> {
  const { rows } = await sql<{ now: number }>`
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error("the database does not say what time it is");
  return Number(row.now);
}

/**
 * What time it is for a fleet: leases are by it, and the clock of whoever looks may be wrong. That of its database as far as it is
 * believed (postgres/clock.ts), and never behind a section. Only for PostgreSQL.
 */
export async function fleetNowMs(db: Db): Promise<number> {
  const databaseMs = await databaseNowMs(db);
  const gate = await db.selectFrom("gate").select(["latest_at", "shift_ms"]).executeTakeFirst();
  return gate === undefined ? databaseMs : heldTime(gate, databaseMs);
}

/** The agent's time by the row of its gate. */
export function heldTime(gate: { latest_at: number; shift_ms: number }, databaseMs: number): number {
  return Math.max(gate.latest_at, databaseMs + gate.shift_ms);
}
