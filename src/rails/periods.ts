import { dayBounds } from "../lib/days.ts";
import { prepared } from "../store/prepared.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { CalendarWindow, OpenPeriodsTable } from "../store/schema-rails.ts";
import { minuteAt, type Periods, periodsAt } from "./windows.ts";

/**
 * The periods that a call at `nowMs`, by budget time, counts in. A day or a month that is open stays so up to its end in
 * the zone in which it was opened, whatever the zone is now and whoever asks: a zone that is edited opens nothing. At that
 * end the present zone's own day opens. Where its name was there before (the zone moved west) what was spent under that
 * name counts on, so that no name holds more than its cap.
 */
export async function openPeriods(trx: Trx, nowMs: number, timezone: string): Promise<Periods> {
  const { day, month, opened } = await reckon(trx, nowMs, timezone);
  for (const period of opened) await replaceOpen(trx, period);
  return { minute: minuteAt(nowMs), day, month };
}

/** The same, read-only. */
export async function peekPeriods(db: Db, nowMs: number, timezone: string): Promise<Periods> {
  const { day, month } = await reckon(db, nowMs, timezone);
  return { minute: minuteAt(nowMs), day, month };
}

async function reckon(
  db: Db,
  nowMs: number,
  timezone: string,
): Promise<{ day: string; month: string; opened: OpenPeriodsTable[] }> {
  const { rows } = await selectOpen(db, {});
  const opened: OpenPeriodsTable[] = [];
  const periodOf = (window: CalendarWindow) => {
    // Budget time goes back before an opening by a person's word alone (afk resume --clock).
    const open = rows.find((row) => row.window === window && row.opened_at <= nowMs && nowMs < row.ends_at);
    if (open !== undefined) return open.period;
    const next = { window, ...calendarPeriod(window, nowMs, timezone), opened_at: nowMs };
    opened.push(next);
    return next.period;
  };
  return { day: periodOf("day"), month: periodOf("month"), opened };
}

const selectOpen = prepared((db) => db.selectFrom("open_periods").selectAll());

/** What is current in the zone, and its end there. */
function calendarPeriod(window: CalendarWindow, nowMs: number, timezone: string) {
  const { day, month } = periodsAt(nowMs, timezone);
  if (window === "day") return { period: day, ends_at: dayBounds(day, timezone).untilMs };
  // Months count from 0 in a date, and from 1 in a period: this is the month after.
  const next = new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 1));
  return { period: month, ends_at: dayBounds(next.toISOString().slice(0, 10), timezone).fromMs };
}

async function replaceOpen(trx: Trx, { window, ...columns }: OpenPeriodsTable): Promise<void> {
  await trx
    .insertInto("open_periods")
    .values({ window, ...columns })
    .onConflict((conflict) => conflict.column("window").doUpdateSet(columns))
    .execute();
}
