import { readFileSync } from "node:fs";
import type { Violation } from "../faults/oracles/invariant.ts";
import { seededRandom } from "../faults/seeded-random.ts";
import type { JobKind } from "../jobs/job.ts";
import { dayIn } from "../lib/days.ts";
import { DAY_MS } from "../lib/durations.ts";
import type { Day } from "./calendar.ts";
import { checkConvergence } from "./convergence-check.ts";
import { createDriver } from "./driver.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";
import { planFaults } from "./fault-injector.ts";
import type { SimulationInput } from "./input.ts";
import { planOperator } from "./operator-model.ts";
import { setUp } from "./set-up.ts";
import { standIns } from "./stand-ins.ts";

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

/** Runs the agent's own code through simulated days, in a environment that holds everything it reaches the world by. */
export async function simulate(
  environment: SimulatedEnvironment,
  input: SimulationInput,
  kinds: readonly JobKind[],
  onDay: (day: Day) => void,
): Promise<SimulationResult> {
  const { seed, days, faults } = input;
  const configText = readFileSync(input.configFile, "utf8");
  const context = setUp(environment, input, [...standIns, ...kinds], onDay);
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
