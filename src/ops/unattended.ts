import { toIso } from "../lib/clock.ts";
import type { Db } from "../store/schema.ts";

/** The count of unattended days as `afk clock` and `afk status` show it. */
export interface UnattendedStatus {
  startedAt: string;
  /** Day 0 of the present count, in the agent's time zone. */
  dayZero: string;
  /** Unattended days in a row that are over. */
  days: number;
  /** The latest day that is over and written down; null for none yet. */
  lastDay: string | null;
}

/** The present count; null while none runs. */
export async function readUnattended(db: Db): Promise<UnattendedStatus | null> {
  const row = await db.selectFrom("clock").selectAll().where("id", "=", 1).executeTakeFirst();
  if (row === undefined) return null;
  const last = await db
    .selectFrom("clock_days")
    .select(["day", "count"])
    .where("day", ">=", row.day_zero)
    .orderBy("day", "desc")
    .limit(1)
    .executeTakeFirst();
  return {
    startedAt: toIso(row.started_at),
    dayZero: row.day_zero,
    days: last?.count ?? 0,
    lastDay: last?.day ?? null,
  };
}
