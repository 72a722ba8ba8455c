import type { Selectable } from "kysely";
import { MINUTE_MS } from "../lib/durations.ts";
import type { Db, TicksTable } from "../store/schema.ts";

/**
 * Ticks that began until `nowMs`, the newest first. One that is further ahead than another process's clock can be was written
 * before the clock was set back: it is not the last, and what it says of the next one would hide for as long that none comes.
 */
export async function latestTicks(db: Db, nowMs: number, limit: number): Promise<Selectable<TicksTable>[]> {
  return await db
    .selectFrom("ticks")
    .selectAll()
    .where("started_at", "<", nowMs + MINUTE_MS)
    .orderBy("started_at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
}
