import type { Config } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import { AfkError } from "../lib/errors.ts";
import { openStoreAt } from "../store/open.ts";
import type { Trx } from "../store/schema.ts";
import { acquireLocks } from "../store/sqlite/lock.ts";
import { logOnce } from "./alerting.ts";
import { refuseAtWork } from "./move/portable.ts";
import { readOwner, setOwner } from "./own-state.ts";
import { isThere } from "./unreadable.ts";

/** A state that changes hands: from the agent it belonged to, null for nobody yet, to the one of afk.yaml. */
export interface Adoption {
  state: string;
  from: string | null;
  to: string;
}

/**
 * Gives the state to the agent of this configuration once `confirm` agrees, with all that it holds: spend, queue, kill
 * switch. Who it belonged to stays written down. Nobody may be at work in it meanwhile.
 * @returns null when it belongs to this agent already.
 * @throws StateLocked (exit 75), StoreRefused, AfkError when there is no state, or what `confirm` throws.
 */
export async function adoptState(
  config: Config,
  clock: Clock,
  confirm: (adoption: Adoption) => Promise<void>,
): Promise<Adoption | null> {
  const { database, state, lock: lockFile, gatewayLock, remoteLock } = config.paths;
  if (config.database === null && !isThere(database))
    throw new AfkError(
      "no_state",
      `there is no state in ${state} to adopt; its first tick makes one for ${config.agent}`,
      { retry: "never" },
    );
  const lock = acquireLocks([lockFile, gatewayLock, remoteLock]);
  try {
    return await closing(await openStoreAt({ path: database, target: config.database }), async (store) => {
      const time = store.clockOver(clock);
      // Within a section, behind which nobody begins to work meanwhile.
      const refuseWorking = async (trx: Trx) => {
        if (config.database !== null) await refuseAtWork({ trx, nowMs: time.nowMs() });
      };
      await store.atomically(refuseWorking);
      const adoption = { state, from: await readOwner(store.db), to: config.agent };
      if (adoption.from === adoption.to) return null;
      await confirm(adoption);
      await store.atomically(async (trx) => {
        await refuseWorking(trx);
        await setOwner(trx, adoption.to, time.nowMs());
      });
      logOnce(config, clock, "state_adopted", { ...adoption });
      return adoption;
    });
  } finally {
    lock.release();
  }
}
