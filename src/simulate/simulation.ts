import { readFileSync } from "node:fs";
import type { Violation } from "../faults/oracles/invariant.ts";
import { seededRandom } from "../faults/seeded-random.ts";
import { exec } from "../jobs/exec/exec.ts";
import type { ExecSettings } from "../jobs/exec/settings.ts";
import type { JobKind } from "../jobs/job.ts";
import { systemClock } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { DAY_MS } from "../lib/durations.ts";
import { systemRandomness } from "../lib/ids.ts";
import type { Day } from "./calendar.ts";
import type { SimulationInput } from "./context.ts";
import { checkConvergence } from "./convergence-check.ts";
import { createDriver } from "./driver.ts";
import type { SimulatedEnvironment } from "./environment/environment.ts";
import { planFaults } from "./fault-injector.ts";
import { planOperator } from "./operator-model.ts";
import { setUp } from "./set-up.ts";

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
