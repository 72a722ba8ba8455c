import { type Selectable, sql } from "kysely";
import { dayBounds, daysUpTo } from "../lib/days.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { AGENT } from "../lib/windows.ts";
import { readMeta } from "../store/meta.ts";
import type { TicksTable } from "../store/schema/evidence.ts";
import type { Db } from "../store/schema.ts";

/**
 * Ticks that began until `nowMs`, the newest first. One that is further ahead than another process's clock can be was written
 * before the clock was set back: it is not the last, and what it says of the next one would hide that none comes.
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

/** How many ticks ended in each way. */
type TickTotals = Partial<Record<TicksTable["outcome"], number>>;

const ENDED = ["ok", "idle", "halted", "failed", "crashed"] as const;

/**
 * Every tick there ever was, by its outcome; those that retention has removed too. One that says it runs while nobody holds
 * the lock has crashed.
 */
export async function readTickTotals(db: Db, { isHeld }: { isHeld: boolean }): Promise<TickTotals> {
  const rows = await db
    .selectFrom("ticks")
    .select((eb) => ["outcome", eb.fn.countAll<number>().as("ticks")])
    .groupBy("outcome")
    .execute();
  const totals: TickTotals = Object.fromEntries(rows.map((row) => [row.outcome, Number(row.ticks)]));
  const { running = 0 } = totals;
  if (!isHeld && running > 0) Object.assign(totals, { running: 0, crashed: (totals.crashed ?? 0) + running });
  for (const outcome of ENDED) {
    const removed = await readMeta(db, `forgotten_ticks_${outcome}`);
    if (removed > 0) totals[outcome] = (totals[outcome] ?? 0) + removed;
  }
  return totals;
}

/** What the ticks that began on a calendar day came to; `halts` are those that a rail stopped on purpose. */
export type DayTicks = Awaited<ReturnType<typeof countDay>>;

/** The `count` days up to `today`, oldest first. */
export async function readDayTicks(
  db: Db,
  today: string,
  count: number,
  timezone: string,
): Promise<DayTicks[]> {
  const days: DayTicks[] = [];
  for (const day of daysUpTo(today, count)) days.push(await countDay(db, day, timezone));
  return days;
}

async function countDay(db: Db, day: string, timezone: string) {
  const { fromMs, untilMs } = dayBounds(day, timezone);
  const row = await db
    .selectFrom("ticks")
    .select((eb) => [eb.fn.countAll<number>().as("ticks"), eb.fn.sum<number | null>("units").as("units")])
    .select(sql<number>`count(case when outcome in ('failed', 'crashed') then 1 end)`.as("failures"))
    .select(sql<number>`count(case when outcome = 'halted' then 1 end)`.as("halts"))
    .where("started_at", ">=", fromMs)
    .where("started_at", "<", untilMs)
    .executeTakeFirstOrThrow();
  const { ticks, units, failures, halts } = row;
  return {
    day,
    ...{ ticks: Number(ticks), units: Number(units ?? 0), failures: Number(failures), halts: Number(halts) },
  };
}

/** What a calendar day cost, in micro-dollars; reserved is also what is charged for calls whose outcome is unknown. */
export type DaySpend = Awaited<ReturnType<typeof readDaySpend>>[number];

/** The `count` days up to `today`, oldest first, from the day's own counters. */
export async function readDaySpend(db: Db, today: string, count: number) {
  const days = daysUpTo(today, count);
  const rows = await db
    .selectFrom("budget_windows")
    .select(["period", "settled_micros", "reserved_micros", "cap_micros"])
    .where("window", "=", "day")
    .where("scope", "=", AGENT)
    .where("period", "in", days)
    .execute();
  const byDay = new Map(rows.map((row) => [row.period, row]));
  return days.map((day) => {
    const row = byDay.get(day);
    return {
      day,
      settledMicros: row?.settled_micros ?? 0,
      reservedMicros: row?.reserved_micros ?? 0,
      /** The cap under which the day's last call was accepted; null when there was no call. */
      capMicros: row?.cap_micros ?? null,
    };
  });
}
