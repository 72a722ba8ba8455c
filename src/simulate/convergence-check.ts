import { writeFileSync } from "node:fs";
import { checkEnd } from "../faults/oracles/end.ts";
import { HOUR_MS } from "../lib/durations.ts";
import type { Calendar } from "./calendar.ts";
import type { SimulationContext } from "./context.ts";
import type { Driver } from "./driver.ts";

/** Long enough for the daily work to come once more, but no longer than what came before. */
const CONVERGENCE_HOURS_MAX = 30;
/** The operator comes as often. */
const PARTS = 2;

/**
 * Puts right everything that went wrong, has the operator handle everything that waits, and lets the agent catch up: then
 * nothing may be left undone. These hours are no part of the calendar.
 * @param configText what afk.yaml said at the beginning.
 */
export async function checkConvergence(
  context: SimulationContext,
  driver: Driver,
  configText: string,
  days: number,
): Promise<void> {
  const { environment, machine, faultRates, calendar, config, overrides } = context;
  const { time, disk } = environment;
  await driver.on();
  calendar.stamp("checkConvergence");
  faultRates.clear();
  disk.disarm();
  disk.setFree(null);
  time.setWall(-time.wallErrorMs());
  context.between = [];
  await machine.restart();
  disk.outside(() => writeFileSync(config.paths.configFile, configText));
  Object.assign(overrides, { isConfigBroken: false, dailyCapMicros: null, inFlight: null });
  const lengthMs = Math.min(CONVERGENCE_HOURS_MAX, 10 * days) * HOUR_MS;
  const untilMs = time.elapsedMs() + lengthMs;
  const refusedBefore = refusals(calendar);
  for (let part = PARTS - 1; part >= 0 && context.violation() === null; part--) {
    await driver.between(true);
    await driver.until(untilMs - (part * lengthMs) / PARTS);
  }
  const reader = context.reader();
  if (reader === null || context.violation() !== null) return;
  driver.check(time.elapsedMs(), { isAtRest: false, isWhole: true });
  const wasRefused = refusals(calendar) > refusedBefore;
  checkEnd(
    reader,
    { wallMs: time.nowMs(), wasRefused, breakerMaxMs: config.breaker.maxCooldownMs },
    context.report,
  );
}

function refusals(calendar: Calendar): number {
  return calendar
    .days()
    .reduce((sum, { refused }) => sum + Object.values(refused).reduce((a, b) => a + b, 0), 0);
}
