import { IDLE_MS } from "../../lib/clock.ts";

/**
 * When a process counts as wedged. Counted are the guard's own steps, not elapsed time: a process that was suspended,
 * paused or starved took its guard with it, and is not killed for time that neither of them had.
 */
export interface WedgeLimits {
  /** How long the guard sleeps between two observations. */
  stepMs: number;
  /** How long the main thread waits between two signs of liveness. */
  livenessMs: number;
  /** Observations in a row with the kill switch set while jobs are run. */
  killStepsMax: number;
  /** The same while none is run: a stopped agent may still be sending its alerts. */
  alertStepsMax: number;
  /** Observations in a row without liveness. */
  silentStepsMax: number;
}

/**
 * The kill switch gets 5 s: an obedient process needs about 2 s, a second for the job's own end and one for its alerts.
 * The alerts of a tick that finds the switch set get their 20 s at either end, and some more. A silent main thread gets
 * 10 s, as `docker stop` does: nothing else can end it on SIGTERM. What it does at a stretch takes less.
 */
export const WEDGE_LIMITS: WedgeLimits = {
  // Each one wakes a process that idles.
  stepMs: 5_000 / 3,
  livenessMs: IDLE_MS,
  killStepsMax: 3,
  alertStepsMax: 36,
  silentStepsMax: 6,
};

/**
 * Of the gateway's process, which stays up while the kill switch is set. It has no tick whose alerts are to go out: told to
 * end, it gets the time that `docker stop` gives.
 */
export const GATEWAY_LIMITS: WedgeLimits = { ...WEDGE_LIMITS, alertStepsMax: 6 };

/** What the guard observes at one step. */
export interface Observation {
  /** The main thread's count of signs of liveness. */
  liveness: number;
  isAtWork: boolean;
  /** Why this process must end, or what it does; null when nothing asks for it. */
  kill: string | null;
  /** It may stay up although `kill` says why it does nothing, as long as it answers and nothing is under way. */
  mayStay?: boolean;
}

/** What it has counted so far. */
export interface Counted extends Omit<Observation, "kill" | "mayStay"> {
  silentSteps: number;
  killSteps: number;
}

/** Counts one observation. `wedged` says why the process must be killed now, or is null. */
export function countStep(
  before: Counted,
  { liveness, isAtWork, kill, mayStay = false }: Observation,
  limits: WedgeLimits,
): { counted: Counted; wedged: string | null } {
  const silentSteps = liveness === before.liveness ? before.silentSteps + 1 : 0;
  const isSameCount = isAtWork === before.isAtWork;
  // A main thread that does not answer cannot say whether something is still under way.
  const isIdle = mayStay && !isAtWork && silentSteps === 0;
  const killSteps = kill === null || isIdle ? 0 : (isSameCount ? before.killSteps : 0) + 1;
  const seconds = (steps: number) => `${(steps * limits.stepMs) / 1_000} s`;
  let wedged: string | null = null;
  if (kill !== null && killSteps >= (isAtWork || mayStay ? limits.killStepsMax : limits.alertStepsMax))
    wedged = `it was still there ${seconds(killSteps)} after ${kill}`;
  else if (silentSteps >= limits.silentStepsMax)
    wedged = `its event loop stood still for ${seconds(silentSteps)}`;
  return { counted: { liveness, isAtWork, silentSteps, killSteps }, wedged };
}
