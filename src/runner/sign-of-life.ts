import { idlePause, type Pause, pause } from "../lib/clock.ts";
import type { WedgeLimits } from "./wedge-steps.ts";
import { FLAG, type WedgeTask } from "./wedge-task.ts";

/** What the main thread shows its guard: that its event loop turns, and whether work is under way. */
export interface SignOfLife {
  sayWork(isAtWork: boolean): void;
  end(): void;
}

/**
 * Shows it until the end: every `stepMs` while work is under way, and otherwise together with all that idles. In real
 * time, whatever clock the work is given.
 */
export function showLife(flags: WedgeTask["flags"], { stepMs }: Pick<WedgeLimits, "stepMs">): SignOfLife {
  let isAtWork = false;
  let hasEnded = false;
  let nap: Pause | undefined;

  async function beat(): Promise<void> {
    while (!hasEnded) {
      Atomics.add(flags, FLAG.pulse, 1);
      nap = isAtWork ? pause(stepMs) : idlePause();
      await nap.over;
    }
  }

  void beat();
  return {
    sayWork(isNow) {
      isAtWork = isNow;
      Atomics.store(flags, FLAG.isAtWork, Number(isNow));
      if (!isNow) return;
      nap?.end();
      // The guard may be in the middle of one of its long naps.
      Atomics.add(flags, FLAG.begun, 1);
      Atomics.notify(flags, FLAG.begun);
    },
    end() {
      hasEnded = true;
      nap?.end();
    },
  };
}
