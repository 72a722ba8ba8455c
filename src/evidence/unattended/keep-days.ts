import type { Announce, Notice } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { dayIn, dayInWords, daysUpTo } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import type { StateAccess } from "../../ops/alerting.ts";
import { budgetNow, peekBudgetNow } from "../../rails/budget-time.ts";
import type { Trx } from "../../store/schema.ts";
import { dayFigures, wasStopped, workByHand } from "./day-figures.ts";

/** A longer absence is written down as one day that broke the count. */
const MISSING_DAYS_MAX = 60;
/** Counts that are announced, once each. */
const MILESTONES: readonly number[] = [7, 14];

/**
 * Writes down each day that is over, once, in the budget's time: a clock that is set back ends no day a second time, and
 * one that is set ahead ends none before uptime has earned it. For the beginning of a tick: what that tick does belongs
 * to the day in which it began. Does nothing while no clock runs.
 */
export async function keepUnattended(sources: StateAccess): Promise<void> {
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
        if (done.byHand.length > 0 && day > row.day_zero)
          await markAttended(trx, outbox.announce, { day, what: done.byHand });
        if (MILESTONES.includes(done.count)) await outbox.announce(trx, milestone(done, dayZero));
        finished.push(done);
      }
      const seen = { seen_day: today, day_zero: dayZero };
      await trx.updateTable("clock").set(seen).where("id", "=", 1).execute();
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
  byHand: string[];
  note: string | null;
}

/** The day of the latest tick had one; those between it and today had none. */
function overSince(seenDay: string, today: string): { day: string; hadTick: boolean }[] {
  const since = daysUpTo(today, Math.min(MISSING_DAYS_MAX + 1, daysBetween(seenDay, today)));
  const missing = since.slice(0, -1).map((day) => ({ day, hadTick: false }));
  return [{ day: seenDay, hadTick: true }, ...missing];
}

/** Null when the day was written before, which a clock that a person set back can bring about. */
async function finishDay(
  trx: Trx,
  { day, hadTick, dayZero, config }: { day: string; hadTick: boolean; dayZero: string; config: Config },
): Promise<Finished | null> {
  const figures = await dayFigures(trx, day, config);
  // A wall clock that was set wrong puts a day's ticks beside it; that there was one is known.
  const ticks = hadTick ? Math.max(1, figures.ticks) : figures.ticks;
  const byHand = await workByHand(trx, day, config.timezone);
  const reasons = [
    ...(byHand.length > 0 ? [`work by hand: ${byHand.join(", ")}`] : []),
    ...((await wasStopped(trx, day, config.timezone)) ? ["the kill switch was set"] : []),
    ...(hadTick ? [] : ["no tick: was the machine off?"]),
  ];
  const count = reasons.length > 0 ? 0 : Math.max(0, daysBetween(dayZero, day));
  const note = [...(count === 0 ? ["Day 0"] : []), ...reasons].join("; ") || null;
  const result = await trx
    .insertInto("clock_days")
    .values({ day, count, ...figures, ticks, attended: byHand.length > 0 ? 1 : 0, note })
    .onConflict((conflict) => conflict.column("day").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n ? { day, count, byHand, note } : null;
}

function milestone({ count, day }: Finished, dayZero: string): Notice {
  return {
    event: "clock_reached",
    title: `${count} days by itself`,
    message: `The agent has run ${count} days in a row unattended, up to ${dayInWords(day)}. Nothing is to be done. Look: afk clock`,
    subject: "",
    occurrence: `${count}:${dayZero}`,
    period: day,
  };
}

/** How many calendar days `to` is after `from`; both `YYYY-MM-DD`, and in UTC all days are of one length. */
function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}

/**
 * Writes that a person made work run on a day of the clock, which starts the count again, and says so, once a day. Does
 * nothing while no clock runs, and on its Day 0, which counts nothing anyway.
 */
async function markAttended(
  trx: Trx,
  announce: Announce,
  { day, what }: { day: string; what: readonly string[] },
): Promise<void> {
  const clock = await trx.selectFrom("clock").selectAll().where("id", "=", 1).executeTakeFirst();
  if (clock === undefined || day <= clock.day_zero) return;
  // Days before it that no tick has written down yet still belong to the count that ends with them.
  if (day <= clock.seen_day)
    await trx.updateTable("clock").set({ day_zero: day }).where("id", "=", 1).execute();
  await announce(
    trx,
    {
      event: "day_attended",
      title: `${dayInWords(day)} is an attended day`,
      message: `Work was started by hand (${what.join(", ")}), so the count of unattended days starts again with that day as its Day 0. Look: afk clock`,
      subject: "",
      occurrence: day,
      period: day,
    },
    "quiet",
  );
}

/** The same for the day that it is. For work that leaves no mark of its own: a dead letter that is tried again. */
export async function attendToday(
  trx: Trx,
  announce: Announce,
  of: { config: Pick<Config, "timezone">; clock: Clock; what: string },
): Promise<void> {
  const day = dayIn(await peekBudgetNow(trx, of.clock), of.config.timezone);
  await markAttended(trx, announce, { day, what: [of.what] });
}
