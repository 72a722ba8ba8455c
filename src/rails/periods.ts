import { dayBounds, dayIn } from "../lib/days.ts";
import { type CapSpend, FLEET, type Periods, type WindowName } from "../lib/windows.ts";
import { prepared } from "../store/prepared.ts";
import type { OpenPeriodsTable } from "../store/schema/rails.ts";
import type { Db, Trx } from "../store/schema.ts";
import { periodsOf } from "./windows.ts";

/**
 * The periods that a call at `nowMs`, by budget time, counts in. A day, week or month that is open stays so up to its end
 * in the zone in which it was opened, whatever the zone is now and whoever asks: a zone that is edited opens nothing. At
 * that end the present zone's own period opens. Where its name was there before (the zone moved west) what was spent under
 * that name counts on, so that no name holds more than its cap. `open` is what this section has read already.
 */
export async function openPeriods(
  trx: Trx,
  nowMs: number,
  timezone: string,
  open?: readonly OpenPeriodsTable[],
): Promise<Periods> {
  const { periods, opened } = findPeriods(open ?? (await readOpen(trx)), nowMs, timezone);
  for (const { window, ...columns } of opened) {
    await trx
      .insertInto("open_periods")
      .values({ window, ...columns })
      .onConflict((conflict) => conflict.column("window").doUpdateSet(columns))
      .execute();
  }
  return periods;
}

/** The same, read-only. */
export async function peekPeriods(db: Db, nowMs: number, timezone: string): Promise<Periods> {
  return findPeriods(await readOpen(db), nowMs, timezone).periods;
}

/** When each calendar window's period at `nowMs` is over, whether a call has opened it or not; epoch milliseconds. */
export async function peekEnds(
  db: Db,
  nowMs: number,
  timezone: string,
): Promise<ReadonlyMap<WindowName, number>> {
  const { open, opened } = findPeriods(await readOpen(db), nowMs, timezone);
  return new Map([...open, ...opened].map(({ window, ends_at }) => [window, ends_at]));
}

function findPeriods(
  rows: readonly OpenPeriodsTable[],
  nowMs: number,
  timezone: string,
): { periods: Periods; open: OpenPeriodsTable[]; opened: OpenPeriodsTable[] } {
  const opened: OpenPeriodsTable[] = [];
  const periods = periodsOf(nowMs, ({ name: window, calendar }) => {
    // Budget time goes back before an opening only where a person has confirmed the clock (afk resume --clock).
    const open = rows.find((row) => row.window === window && row.opened_at <= nowMs && nowMs < row.ends_at);
    if (open !== undefined) return open.period;
    const day = dayIn(nowMs, timezone);
    const period = calendar.periodOf(day);
    const ends_at = dayBounds(calendar.lastDay(day), timezone).untilMs;
    opened.push({ window, period, opened_at: nowMs, ends_at });
    return period;
  });
  return {
    periods,
    open: rows.filter(({ window }) => opened.every((each) => each.window !== window)),
    opened,
  };
}

/** The calendar windows' periods as they are on disk. */
export async function readOpen(db: Db): Promise<OpenPeriodsTable[]> {
  return (await selectOpen(db, {})).rows;
}

const selectOpen = prepared((db) => db.selectFrom("open_periods").selectAll());

/** When the period that a cap counts in ends, in epoch milliseconds: the open one of a calendar window; null for every other window. */
export async function endOf(
  db: Db,
  { window, scope, period }: Pick<CapSpend, "window" | "scope" | "period">,
): Promise<number | null> {
  if (scope === FLEET) return dayBounds(period, "UTC").untilMs;
  return (await readOpen(db)).find((row) => row.window === window)?.ends_at ?? null;
}
