import { sql } from "kysely";
import type { Db } from "./schema.ts";

/**
 * What time it is in a fleet's database, in epoch milliseconds: leases are by it, and the clock of whoever looks may be wrong.
 * Only for PostgreSQL.
 */
export async function databaseNowMs(db: Db): Promise<number> {
  const { rows } = await sql<{ now: number }>`
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error("the database does not say what time it is");
  return Number(row.now);
}
