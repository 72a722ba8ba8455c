import { daysUpTo } from "../lib/days.ts";
import type { Db } from "../store/schema.ts";

/** What a calendar day cost, in micro-dollars. */
export interface DaySpend {
  /** `YYYY-MM-DD` in the agent's time zone. */
  day: string;
  settledMicros: number;
  /** Reserved, and what is charged for calls whose outcome is unknown. */
  reservedMicros: number;
  /** The cap under which the day's last call was accepted; null when there was no call. */
  capMicros: number | null;
}

/** The `count` days up to `today`, oldest first, from the day's own counters: a row a day. */
export async function readSpendHistory(db: Db, today: string, count: number): Promise<DaySpend[]> {
  const days = daysUpTo(today, count);
  const rows = await db
    .selectFrom("budget_windows")
    .select(["period", "settled_micros", "reserved_micros", "cap_micros"])
    .where("window", "=", "day")
    .where("period", ">=", days[0] ?? today)
    .where("period", "<=", today)
    .execute();
  const byDay = new Map(rows.map((row) => [row.period, row]));
  return days.map((day) => {
    const row = byDay.get(day);
    return {
      day,
      settledMicros: row?.settled_micros ?? 0,
      reservedMicros: row?.reserved_micros ?? 0,
      capMicros: row?.cap_micros ?? null,
    };
  });
}
