import type { Announce } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import type { Trx } from "../../store/schema.ts";

/**
 * Writes that a person made work run on a day of the clock, which starts the count again, and says so, once a day. Does
 * nothing while no clock runs, and on its Day 0, which counts nothing anyway.
 */
export async function markAttended(
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
      title: `${day} is an attended day`,
      message: `Work was started by hand (${what.join(", ")}), so the count of unattended days starts again with ${day} as its Day 0. Look: afk clock`,
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
