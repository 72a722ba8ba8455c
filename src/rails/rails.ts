import type { Outbox } from "../alerts/outbox.ts";
import type { BudgetConfig } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/store.ts";
import type { BreakerRules } from "./breaker-state.ts";
import type { FleetCap } from "./fleet-cap.ts";
import type { KillWatch } from "./kill-watch.ts";
import type { Machine } from "./machine.ts";
import type { RunawayRules } from "./runaway.ts";

/** What the rails stand on. One of these is made for an agent, in agent.ts. */
export interface Rails {
  store: Store;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  /** The caps as they stand, and the zone of the calendar windows. */
  budget: { budget: BudgetConfig; timezone: string; fleet?: FleetCap | null };
  breaker: BreakerRules & RunawayRules;
  stopFile: string;
  /** In a fleet, once this process has taken its machine's part; null otherwise. */
  machine: Machine | null;
  watch: KillWatch;
}
