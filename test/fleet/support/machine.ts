import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Clock, systemClock } from "../../../src/lib/clock.ts";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { isUnreachable } from "../../../src/store/errors.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { type RailsOn, type RailsOptions, railsOn } from "../../support/rails-on.ts";

const TRIES_MAX = 10;
const TRY_AGAIN_MS = 500;

/** The clock of a machine that was booted by itself, and which somebody has set so far off. */
function machineClock(offMs: () => number): Clock {
  const boot = randomBytes(8).toString("hex");
  return { ...systemClock, nowMs: () => systemClock.nowMs() + offMs(), bootId: () => boot };
}

/** How a machine of a test is; the folder holds its STOP file. */
export interface MachineOptions extends Omit<RailsOptions, "clock"> {
  dir: string;
  offMs: () => number;
  patienceMs?: number;
}

/** Rails of one machine of a fleet, by the database's time as src/agent.ts has them. Whoever opens them closes the store. */
export async function openMachine(
  target: DatabaseTarget,
  { dir, offMs, patienceMs, ...options }: MachineOptions,
): Promise<RailsOn> {
  const store = await opened(target, patienceMs);
  const clock = { ...fakeClock(), ...store.clockOver(machineClock(offMs)) };
  return railsOn(store, dir, { ...options, clock });
}

/** On a busy machine a connection may take longer than a process waits for it, which whatever starts it then starts again. */
async function opened(target: DatabaseTarget, patienceMs: number | undefined): Promise<Store> {
  for (let tries = 1; ; tries++) {
    try {
      return await openPostgresStore(target, { patienceMs });
    } catch (error) {
      if (tries === TRIES_MAX || !isUnreachable(error)) throw error;
      await pause(TRY_AGAIN_MS);
    }
  }
}
