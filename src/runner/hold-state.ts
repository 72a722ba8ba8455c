import { newId } from "../lib/ids.ts";
import { acquireLock } from "../store/sqlite/lock.ts";
import type { Dependencies } from "./dependencies.ts";
import { whileKept } from "./machines/keep-part.ts";
import { takePart } from "./machines/take-part.ts";
import { refuseReplaced, spentBy } from "./refuse-replaced.ts";
import { underWedgeGuard } from "./wedge/guard.ts";
import type { WedgeLimits } from "./wedge/steps.ts";

/**
 * Does `work` as the one runner of the state directory; `runner` is its id in claims and in the ledger. In a process of
 * afk's own it does so under a wedge guard; a host that only uses the library is nobody's to kill.
 * In a fleet it has taken its machine's part as well, and keeps it meanwhile.
 * @throws StateLocked when another process is at work, MachineCopied, MachineLost, StateReplaced when the files were replaced meanwhile, GuardLost, or
 * what `work` throws.
 */
export async function holdState<T>(
  dependencies: Dependencies,
  process: { isOurs: boolean; limits?: WedgeLimits | undefined },
  work: (dependencies: Dependencies, runner: string) => Promise<T>,
): Promise<T> {
  const { config, log, rails, store, clock, randomness } = dependencies;
  const lock = acquireLock(config.paths.lock);
  store.health.files.push(...lock.files);
  let runner = newId(clock.nowMs(), randomness);
  try {
    const machine = await takePart(dependencies, "worker");
    runner = machine?.runner ?? runner;
    return await whileKept(dependencies, machine, async () => {
      if (!process.isOurs) return await work(dependencies, runner);
      const guarded = { config, files: store.health.files, log, watch: rails.watch, limits: process.limits };
      return await underWedgeGuard(guarded, (setAtWork) => work({ ...dependencies, setAtWork }, runner));
    });
  } finally {
    try {
      // It takes the place of an error too: what fails on files that are gone says less.
      await refuseReplaced(dependencies, () => spentBy(store, runner));
    } finally {
      for (const file of lock.files) store.health.files.splice(store.health.files.indexOf(file), 1);
      lock.release();
    }
  }
}
