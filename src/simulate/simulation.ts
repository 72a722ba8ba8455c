import { readFileSync, writeFileSync } from "node:fs";
import { checkEnd } from "../faults/oracles/end.ts";
import type { Violation } from "../faults/oracles/invariant.ts";
import { seededRandom } from "../faults/seeded-random.ts";
import { exec } from "../jobs/exec/exec.ts";
import type { ExecSettings } from "../jobs/exec/settings.ts";
import type { JobKind } from "../jobs/job.ts";
import { systemClock } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { DAY_MS, HOUR_MS } from "../lib/durations.ts";
import { systemRandomness } from "../lib/ids.ts";
import type { Calendar, Day } from "./calendar.ts";
import { createDriver, type Driver } from "./driver.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";
import { planFaults } from "./fault-injector.ts";
import { planOperator } from "./operator-model.ts";
import { type SimulationContext, type SimulationInput, setUp } from "./set-up.ts";

/** What a simulation came to. */
export interface SimulationResult {
  days: Day[];
  /** The first breach; nothing was done after it. Null when everything held. */
  violation: Violation | null;
  /** Of every log line and every event: the same seed gives the same. */
  fingerprint: string;
  /** After each of which everything was checked. */
  steps: number;
}

/** Runs the agent's own code through simulated days, in an environment that holds everything it reaches the world by. */
export async function simulate(
  environment: SimulatedEnvironment,
  input: SimulationInput,
  kinds: readonly JobKind[],
  onDay: (day: Day) => void,
): Promise<SimulationResult> {
  const { seed, days, faults } = input;
  const configText = readFileSync(input.configFile, "utf8");
  const context = setUp(environment, input, [standInExec, ...kinds], onDay);
  const driver = createDriver(context, seed);
  try {
    planFaults(context, { days, faults, random: seededRandom(seed, "faults") });
    planOperator(context, days, seededRandom(seed, "operator"));
    await driver.until(days * DAY_MS);
    // The last tick may end in the next day.
    const endMs = environment.time.trueMs() - environment.time.elapsedMs() + days * DAY_MS;
    const lastDate = dayIn(endMs - 1, context.config.timezone);
    const shown = context.calendar.days().filter(({ date }) => date <= lastDate);
    if (context.violation() === null) await checkConvergence(context, driver, configText, days);
    return {
      days: shown,
      violation: context.violation(),
      fingerprint: context.calendar.fingerprint(),
      steps: driver.steps(),
    };
  } finally {
    await context.machine.restart();
    context.closeReader();
    environment.disk.revive();
    environment.cutAll();
  }
}

/** Long enough for the daily work to come once more, but no longer than what came before. */
const CONVERGENCE_HOURS_MAX = 30;
/** The operator comes as often. */
const PARTS = 2;

/**
 * Puts right everything that went wrong, has the operator handle everything that waits, and lets the agent catch up: then
 * nothing may be left undone. These hours are no part of the calendar.
 * @param configText what afk.yaml said at the beginning.
 */
async function checkConvergence(
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
  driver.check(time.elapsedMs(), { isWhole: true });
  const wasRefused = refusals(calendar) > refusedBefore;
  checkEnd(
    reader,
    { wallMs: time.nowMs(), wasRefused, breakerMaxMs: config.breaker.maxCooldownMs },
    context.report,
  );
}

function refusals(calendar: Calendar): number {
  const counts = calendar.days().flatMap(({ refused }) => Object.values(refused));
  return counts.reduce((sum, count) => sum + count, 0);
}

const OUTPUT = "what the command would have said\n";
const LONGEST_MS = 40_000;

/** Takes the place of `exec`: nothing is run, some time passes, and the output is the same each time. */
const standInExec: JobKind<ExecSettings> = {
  ...exec,
  async run({ name, settings, period, step, publish, signal }) {
    await step("run", async () => {
      await systemClock.sleep(1 + systemRandomness.random() * LONGEST_MS, signal);
      return { stdout: OUTPUT };
    });
    if (settings.isPublished) publish(`${name}-${period.label}.txt`, OUTPUT);
    return { units: settings.units, summary: "nothing was run: this is a simulation" };
  },
};
