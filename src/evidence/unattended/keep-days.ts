import type { Announce, Outbox } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import type { Log } from "../../lib/log.ts";
import { budgetNow } from "../../rails/budget-time.ts";
import type { Trx } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";
import { markAttended } from "./attended.ts";
import { dayFigures, wasStopped, workByHand } from "./day-figures.ts";

interface KeepSources {
  config: Config;
  store: Store;
  outbox: Outbox;
  clock: Clock;
  log: Log;
}

/** A longer absence is written down as one day that broke the count. */
const MISSING_DAYS_MAX = 60;
/** Counts that are announced, once each. */
const MILESTONES: readonly number[] = [7, 14];

/**
 * Writes down each day that is over, once, in the budget's time: a clock that is set back ends no day a second time, and
 * one that is set ahead ends none before uptime has earned it. For the beginning of a tick: what that tick does belongs
 * to the day in which it began. Does nothing while no clock runs.
 */
export async function keepUnattended(sources: KeepSources): Promise<void> {
  const { config, store, outbox, clock, log } = sources;
  const days = await store.atomically(async (trx) => {
    const row = await trx.selectFrom("clock").selectAll().where("id", "=", 1).executeTakeFirst();
    if (row === undefined) return [];
    const today = dayIn(await budgetNow(trx, outbox.announce, clock), config.timezone);
    const finished: Finished[] = [];
    let dayZero = row.day_zero;
    if (today > row.seen_day) {
      for (const { day, hadTick } of overSince(row.seen_day, today)) {
        const done = await finishDay(trx, { day, hadTick, dayZero, config });
        if (done === null) continue;
        if (done.count === 0) dayZero = day;
        if (done.isAttended && day > row.day_zero)
          await markAttended(trx, outbox.announce, { day, what: done.byHand });
        if (MILESTONES.includes(done.count))
          await announceMilestone(trx, outbox.announce, done.count, dayZero, day);
        finished.push(done);
      }
      await trx
        .updateTable("clock")
        .set({ seen_day: today, day_zero: dayZero })
        .where("id", "=", 1)
        .execute();
    }
    const byHand = await workByHand(trx, today, config.timezone);
    if (byHand.length > 0) await markAttended(trx, outbox.announce, { day: today, what: byHand });
    return finished;
  });
  for (const { day, count, note } of days) log.event("info", "clock_day", { day, count, note });
}

interface Finished {
  day: string;
  count: number;
  isAttended: boolean;
  byHand: string[];
  note: string | null;
}

/** The day of the latest tick had one; those between it and today had none. */
function overSince(seenDay: string, today: string): { day: string; hadTick: boolean }[] {
  const missing = daysFrom(seenDay, today).slice(1, -1);
  return [
    { day: seenDay, hadTick: true },
    ...missing.slice(-MISSING_DAYS_MAX).map((day) => ({ day, hadTick: false })),
  ];
}

/** Null when the day was written before, which a clock that a person set back can bring about. */
async function finishDay(
  trx: Trx,
  { day, hadTick, dayZero, config }: { day: string; hadTick: boolean; dayZero: string; config: Config },
): Promise<Finished | null> {
  const figures = await dayFigures(trx, day, config);
  const byHand = await workByHand(trx, day, config.timezone);
  const isAttended = byHand.length > 0;
  const reasons = [
    ...(isAttended ? [`work by hand: ${byHand.join(", ")}`] : []),
    ...((await wasStopped(trx, day, config.timezone)) ? ["the kill switch was set"] : []),
    ...(hadTick ? [] : ["no tick: was the machine off?"]),
  ];
  const count = reasons.length > 0 ? 0 : Math.max(0, daysBetween(dayZero, day));
  const notes = [...(count === 0 ? ["Day 0"] : []), ...reasons];
  const note = notes.length === 0 ? null : notes.join("; ");
  const result = await trx
    .insertInto("clock_days")
    .values({
      day,
      count,
      // A wall clock that was set wrong puts a day's ticks beside it; that there was one is known.
      ticks: hadTick ? Math.max(1, figures.ticks) : figures.ticks,
      outputs: figures.outputs,
      units: figures.units,
      failures: figures.failures,
      cost_micros: figures.costMicros,
      value_micros: figures.valueMicros,
      incidents: figures.incidents,
      attended: isAttended ? 1 : 0,
      note,
    })
    .onConflict((conflict) => conflict.column("day").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n ? { day, count, isAttended, byHand, note } : null;
}

async function announceMilestone(
  trx: Trx,
  announce: Announce,
  count: number,
  dayZero: string,
  day: string,
): Promise<void> {
  await announce(trx, {
    event: "clock_reached",
    title: `${count} days by itself`,
    message: `The agent has run ${count} days in a row unattended, up to ${day}. Nothing is to be done. Look: afk clock`,
    subject: "",
    occurrence: `${count}:${dayZero}`,
    period: day,
  });
}

/** How many calendar days `to` is after `from`; both `YYYY-MM-DD`. */
function daysBetween(from: string, to: string): number {
  return Math.round((startOf(to) - startOf(from)) / DAY_MS);
}

/** The calendar days from `first` to `last`, both included; none when `last` is before. */
function daysFrom(first: string, last: string): string[] {
  const count = Math.max(0, daysBetween(first, last) + 1);
  return Array.from({ length: count }, (_, index) =>
    new Date(startOf(first) + index * DAY_MS).toISOString().slice(0, 10),
  );
}

/** A calendar's days are all of one length in UTC, whatever a time zone does. */
function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
