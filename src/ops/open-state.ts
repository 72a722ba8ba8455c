import type { Config } from "../config/config.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { setOwner } from "../store/owner.ts";
import { openStore } from "../store/sqlite/open.ts";
import type { Store } from "../store/store.ts";
import { refuseOthers } from "./whose-state.ts";

/**
 * Opens the state of this agent, and of no other. A state that nobody has opened yet is its from then on.
 * @throws OthersState (exit 78), StoreRefused.
 */
export async function openState(
  config: Config,
  options: { clock?: Clock | undefined; patienceMs?: number | undefined } = {},
): Promise<Store> {
  const store = await openStore(config.paths.database, options.patienceMs);
  try {
    if ((await refuseOthers(store.db, config)) === null) {
      const nowMs = (options.clock ?? systemClock).nowMs();
      // Asked once more inside: of two agents that meet here, one is first.
      await store.atomically(async (trx) => {
        if ((await refuseOthers(trx, config)) === null) await setOwner(trx, config.agent, nowMs);
      });
    }
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
