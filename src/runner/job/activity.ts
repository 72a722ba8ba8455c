import { systemClock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { AfkError } from "../../lib/errors.ts";

/** What a run does that shows that it goes on: output of its programs, steps, and what it asks of models and hosts. */
export interface Activity {
  /** It did something now. */
  note(): void;
  /** It does something as long as this lasts, which has a time limit of its own. */
  during<T>(work: Promise<T>): Promise<T>;
  /** It does something whenever this says so. */
  watch(isBusy: () => boolean): void;
  /** Milliseconds since it last did anything; 0 while it does. */
  quietMs(): number;
}

/** Follows what a run does from now on. Real time. */
export function followActivity(): Activity {
  let latestMs = systemClock.uptimeMs();
  let underWay = 0;
  const watched: (() => boolean)[] = [];
  const note = () => {
    latestMs = systemClock.uptimeMs();
  };
  return {
    note,
    watch: (isBusy) => void watched.push(isBusy),
    async during(work) {
      underWay += 1;
      try {
        return await work;
      } finally {
        underWay -= 1;
        note();
      }
    },
    quietMs() {
      if (underWay > 0 || watched.some((isBusy) => isBusy())) note();
      return systemClock.uptimeMs() - latestMs;
    },
  };
}

/** It is looked at so often, as a share of the time that it may be idle: what ends between two looks counts from the look before. */
const LOOKS = 20;
const LOOK_MS_MAX = 10_000;

/** Ends a run that has done nothing for `idleMs`, until `done` aborts. */
export async function endWhenIdle(
  activity: Activity,
  { name, idleMs }: { name: string; idleMs: number },
  stop: AbortController,
  done: AbortSignal,
): Promise<void> {
  const lookMs = Math.max(1, Math.min(LOOK_MS_MAX, idleMs / LOOKS));
  while (!done.aborted) {
    const isOver = await systemClock.sleep(lookMs, done).then(
      () => false,
      () => true,
    );
    if (isOver || activity.quietMs() < idleMs) continue;
    const message = `job ${name} wrote nothing and asked nothing for ${formatDuration(idleMs)} (idle_timeout): it probably waits for an answer at a prompt, which nobody gives; tell its program not to ask, see docs/jobs.md`;
    stop.abort(new AfkError("idle", message));
    return;
  }
}
