import { collectGarbage } from "../lib/garbage.ts";
import { newId } from "../lib/ids.ts";
import { acquireLock } from "../store/lock.ts";
import type { Parts } from "./parts.ts";
import { underWedgeGuard } from "./wedge-guard.ts";
import type { WedgeLimits } from "./wedge-steps.ts";

/**
 * Does `work` as the one runner of the state directory; `runner` is its id in claims and in the ledger. In a process of
 * afk's own it does so under a wedge guard; a host that only uses the library is nobody's to kill.
 * @throws StateLocked when another process is at work, GuardLost, or what `work` throws.
 */
export async function holdState<T>(
  parts: Parts,
  process: { isOurs: boolean; limits?: WedgeLimits | undefined },
  work: (parts: Parts, runner: string) => Promise<T>,
): Promise<T> {
  const { config, log, rails, clock, randomness } = parts;
  const lock = acquireLock(config.paths.lock);
  try {
    const runner = newId(clock.nowMs(), randomness);
    if (!process.isOurs) return await work(parts, runner);
    return await underWedgeGuard({ config, log, watch: rails.watch, limits: process.limits }, (guard) =>
      work({ ...parts, guard, tidyMemory: collectGarbage }, runner),
    );
  } finally {
    lock.release();
  }
}
