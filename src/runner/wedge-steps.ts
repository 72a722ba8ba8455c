/**
 * When a process counts as wedged. Counted are the guard's own steps, not elapsed time: a process that was suspended,
 * paused or starved took its guard with it, and is not killed for time that neither of them had.
 */
export interface WedgeLimits {
  /** How long the guard sleeps from one look to the next, and the main thread from one pulse to the next. */
  stepMs: number;
  /**
   * So many steps are one sleep of the guard while nothing is at work, nothing is silent and no switch is set; the main
   * thread then shows its pulse once in IDLE_MS, which must be less.
   */
  idleSteps: number;
  /** Looks in a row with the kill switch set and work under way. */
  killStepsMax: number;
  /** The same without work under way: a stopped agent may still be telling its owner. */
  pagerStepsMax: number;
  /** Looks in a row without a pulse. */
  silentStepsMax: number;
}

/**
 * The kill switch gets 5 s: an obedient process needs about 2 s, a second for the job's own end and one for the pager.
 * The pager of a tick that finds the switch set gets its 20 s at either end, and some more. A silent main thread gets
 * 10 s, as `docker stop` does: nothing else can end it on SIGTERM. What it does at a stretch
 * takes less. Of an idle one the guard sees only with its next look that it has begun to be silent: it is gone within 15 s.
 */
export const WEDGE_LIMITS: WedgeLimits = {
  stepMs: 500,
  idleSteps: 10,
  killStepsMax: 10,
  pagerStepsMax: 120,
  silentStepsMax: 20,
};

/** What the guard sees at one step. */
export interface Look {
  /** The main thread's count of pulses. */
  pulse: number;
  isAtWork: boolean;
  /** Why this process must end; null when nothing asks for it. */
  kill: string | null;
}

/** What it has counted so far. */
export interface Counted {
  pulse: number;
  isAtWork: boolean;
  silentSteps: number;
  killSteps: number;
}

/** How long the guard may sleep, in steps: it looks closely at everything that might have to end. */
export function stepsToSleep(counted: Counted, isAtWork: boolean, limits: WedgeLimits): number {
  const isCalm = !isAtWork && counted.silentSteps === 0 && counted.killSteps === 0;
  return isCalm ? limits.idleSteps : 1;
}

/** Counts a look after `steps` of sleep. `wedged` says why the process must be killed now, or is null. */
export function countStep(
  before: Counted,
  look: Look,
  limits: WedgeLimits,
  steps = 1,
): { counted: Counted; wedged: string | null } {
  const { pulse, isAtWork, kill } = look;
  const silentSteps = pulse === before.pulse ? before.silentSteps + steps : 0;
  const isSameCount = isAtWork === before.isAtWork;
  const killSteps = kill === null ? 0 : (isSameCount ? before.killSteps : 0) + 1;
  const counted = { pulse, isAtWork, silentSteps, killSteps };
  return { counted, wedged: reasonOf(counted, kill, limits) };
}

function reasonOf(counted: Counted, kill: string | null, limits: WedgeLimits): string | null {
  const { isAtWork, killSteps, silentSteps } = counted;
  const seconds = (steps: number) => `${(steps * limits.stepMs) / 1_000} s`;
  if (killSteps >= (isAtWork ? limits.killStepsMax : limits.pagerStepsMax))
    return `it was still there ${seconds(killSteps)} after ${kill}`;
  if (silentSteps >= limits.silentStepsMax) return `its event loop stood still for ${seconds(silentSteps)}`;
  return null;
}
