import { recoverIncident } from "../alerts/incidents.ts";
import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";

/** Ends the incident of a unit that failed before, since what it runs has just gone well. */
export async function unitSucceeded(store: Store, clock: Clock, unit: string): Promise<void> {
  await store.atomically((trx) => recoverIncident(trx, `unit_failed:${unit}`, clock.nowMs()));
}
