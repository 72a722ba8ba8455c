import { nextCron } from "../lib/cron.ts";
import { messageOf } from "../lib/errors.ts";

/** A start for the search that does not depend on today, so that the same line is always judged alike. */
const SEARCH_FROM_MS = Date.UTC(2000, 0, 1);

/** What is wrong with a cron line of five fields, or null. */
export function cronProblem(expression: string, timezone: string): string | null {
  try {
    return nextCron(expression, timezone, SEARCH_FROM_MS) === null
      ? `found ${JSON.stringify(expression)}, which never comes; write a date that exists`
      : null;
  } catch (error) {
    const reason = messageOf(error).replace(/^CronPattern: /, "");
    return `found ${JSON.stringify(expression)} (${reason}); write five fields: minute, hour, day, month, weekday, for example "0 6 * * *"`;
  }
}

/** Whether the runtime's time zone database has the zone. */
export function isTimezone(name: string): boolean {
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
