import { readFileSync } from "node:fs";
import type { JobKind } from "../jobs/job.ts";
import { dayIn } from "../lib/days.ts";
import { DAY_MS } from "../lib/durations.ts";
import type { Day } from "./calendar.ts";
import type { Violation } from "./checks/invariant.ts";
import { aftermath } from "./convergence-check.ts";
import { createCourse } from "./driver.ts";
import type { Realm } from "./environment/environment.ts";
import { createDice } from "./environment/seeded-random.ts";
import { planMishaps } from "./fault-injector.ts";
import type { SimulationInput } from "./input.ts";
import { planPerson } from "./operator-model.ts";
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

/** Runs the agent's own code through simulated days, in a realm that holds everything it reaches the world by. */
export async function simulate(
  realm: Realm,
  input: SimulationInput,
  kinds: readonly JobKind[],
  onDay: (day: Day) => void,
): Promise<SimulationResult> {
  const { seed, days, faults } = input;
  const configText = readFileSync(input.configFile, "utf8");
  const stage = setUp(realm, input, [...standIns, ...kinds], onDay);
  const course = createCourse(stage, seed);
  try {
    planMishaps(stage, { days, faults, dice: createDice(seed, "mishaps") });
    planPerson(stage, days, createDice(seed, "person"));
    await course.until(days * DAY_MS);
    // The last tick may end in the next day.
    const endMs = realm.time.trueMs() - realm.time.elapsedMs() + days * DAY_MS;
    const lastDate = dayIn(endMs - 1, stage.config.timezone);
    const shown = stage.calendar.days().filter(({ date }) => date <= lastDate);
    if (stage.violation() === null) await aftermath(stage, course, configText, days);
    return {
      days: shown,
      violation: stage.violation(),
      fingerprint: stage.calendar.fingerprint(),
      steps: course.steps(),
    };
  } finally {
    await stage.machine.restart();
    stage.closeBooks();
    realm.disk.revive();
    realm.cutAll();
  }
}
