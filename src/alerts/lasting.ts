import type { Db } from "../store/schema.ts";
import type { AlertEvent } from "./events.ts";

/** Keys of a trouble that lasts and of its end: `<event>:<thing>:<day>`, the day being the one the trouble began on. */
export function lastingKey(event: AlertEvent, thing: string, day: string): string {
  return `${event}:${thing}:${day}`;
}

/**
 * The day since which a trouble lasts by what was told of it, `YYYY-MM-DD`: the newest one whose end was not told. Null when
 * none lasts. Read from the alerts themselves, which commit with what they tell of, so that one outage is one alert however
 * long it lasts, and its end is one; a thing that comes and goes all day is told of once that day.
 */
export async function lastsSince(
  db: Db,
  { trouble, end, thing }: { trouble: AlertEvent; end: AlertEvent; thing: string },
): Promise<string | null> {
  const prefix = lastingKey(trouble, thing, "");
  const newest = await db
    .selectFrom("alerts")
    .select("key")
    .where("key", ">=", prefix)
    // Days begin with a digit, and a colon comes behind them all.
    .where("key", "<", `${prefix}:`)
    .orderBy("key", "desc")
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined) return null;
  const day = newest.key.slice(prefix.length);
  const ended = await db
    .selectFrom("alerts")
    .select("id")
    .where("key", "=", lastingKey(end, thing, day))
    .executeTakeFirst();
  return ended === undefined ? day : null;
}
