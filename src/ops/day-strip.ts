import { dayBounds, daysUpTo } from "../lib/days.ts";
import type { Db } from "../store/schema.ts";

/** What the ticks that began on a calendar day came to. */
export interface DayTicks {
  /** `YYYY-MM-DD` in the agent's time zone. */
  day: string;
  ticks: number;
  /** Units of output. */
  units: number;
  /** Ticks that failed or crashed. */
  failures: number;
  /** Ticks that a rail stopped on purpose. */
  halts: number;
}

export interface DayStrip {
  /** The `count` days up to `today`, oldest first. */
  read(db: Db, today: string, count: number): Promise<DayTicks[]>;
}

/** A day that is over is counted once and remembered, so that a look costs the ticks of today and yesterday. */
export function createDayStrip(timezone: string): DayStrip {
  const closed = new Map<string, DayTicks>();
  return {
    async read(db, today, count) {
      const days = daysUpTo(today, count);
      const strip: DayTicks[] = [];
      for (const day of days) strip.push(closed.get(day) ?? (await countDay(db, day, timezone)));
      closed.clear();
      // A tick that began before midnight may end after it.
      for (const each of strip.slice(0, -2)) closed.set(each.day, each);
      return strip;
    },
  };
}

async function countDay(db: Db, day: string, timezone: string): Promise<DayTicks> {
  const { fromMs, untilMs } = dayBounds(day, timezone);
  const rows = await db
    .selectFrom("ticks")
    .select((eb) => ["outcome", eb.fn.countAll<number>().as("ticks"), eb.fn.sum<number>("units").as("units")])
    .where("started_at", ">=", fromMs)
    .where("started_at", "<", untilMs)
    .groupBy("outcome")
    .execute();
  const total = { day, ticks: 0, units: 0, failures: 0, halts: 0 };
  for (const row of rows) {
    const ticks = Number(row.ticks);
    total.ticks += ticks;
    total.units += Number(row.units);
    if (row.outcome === "failed" || row.outcome === "crashed") total.failures += ticks;
    if (row.outcome === "halted") total.halts += ticks;
  }
  return total;
}
