import { Cron } from "croner";

/**
 * The first moment after `afterMs` that a cron line of five fields names in a time zone; null when there is none.
 * @throws Error of croner's that says what is wrong with the line.
 */
export function nextCron(expression: string, timezone: string, afterMs: number): number | null {
  return read(expression, timezone).nextRun(new Date(afterMs))?.getTime() ?? null;
}

/** The last such moment until `nowMs`, that one included. */
export function latestCron(expression: string, timezone: string, nowMs: number): number | null {
  const [latest] = read(expression, timezone).previousRuns(1, new Date(nowMs + 1));
  return latest?.getTime() ?? null;
}

function read(expression: string, timezone: string): Cron {
  return new Cron(expression, { mode: "5-part", paused: true, ...zoneOf(timezone) });
}

/**
 * How croner is told a time zone. UTC by its offset: asking the time zone database for it would load that database, which
 * takes longer than all else that an idle tick computes.
 */
function zoneOf(timezone: string): { utcOffset: number } | { timezone: string } {
  return timezone === "UTC" ? { utcOffset: 0 } : { timezone };
}
