import { writeFileSync } from "node:fs";
import { HOUR_MS } from "../lib/durations.ts";
import type { Calendar } from "./calendar.ts";
import { checkEnd } from "./checks/end.ts";
import type { Stage } from "./context.ts";
import type { Course } from "./driver.ts";

/** Long enough for the daily work to come once more, but no longer than what came before. */
const AFTERMATH_HOURS_MAX = 30;
/** The person sees to what waits as often. */
const PARTS = 2;

/**
 * Puts right everything that went wrong, has the person see to everything that waits, and lets the agent catch up: then
 * nothing may be left undone. These hours are no part of the calendar.
 * @param configText what afk.yaml said at the beginning.
 */
export async function aftermath(
  stage: Stage,
  course: Course,
  configText: string,
  days: number,
): Promise<void> {
  const { realm, machine, weather, calendar, config, hands } = stage;
  const { time, disk } = realm;
  await course.on();
  calendar.stamp("aftermath");
  weather.calm();
  disk.disarm();
  disk.setFree(null);
  time.setWall(-time.wallErrorMs());
  stage.between = [];
  await machine.restart();
  disk.outside(() => writeFileSync(config.paths.configFile, configText));
  Object.assign(hands, { isConfigBroken: false, dailyCapMicros: null, inFlight: null });
  const lengthMs = Math.min(AFTERMATH_HOURS_MAX, 10 * days) * HOUR_MS;
  const untilMs = time.elapsedMs() + lengthMs;
  const refusedBefore = refusals(calendar);
  for (let part = PARTS - 1; part >= 0 && stage.violation() === null; part--) {
    await course.between(true);
    await course.until(untilMs - (part * lengthMs) / PARTS);
  }
  const books = stage.books();
  if (books === null || stage.violation() !== null) return;
  course.check(time.elapsedMs(), { isAtRest: false, isWhole: true });
  const wasRefused = refusals(calendar) > refusedBefore;
  checkEnd(
    books,
    { wallMs: time.nowMs(), wasRefused, breakerMaxMs: config.breaker.maxCooldownMs },
    stage.report,
  );
}

function refusals(calendar: Calendar): number {
  return calendar
    .days()
    .reduce((sum, { refused }) => sum + Object.values(refused).reduce((a, b) => a + b, 0), 0);
}
