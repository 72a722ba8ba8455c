import type { Generated } from "kysely";
import type { Amount, CalendarWindow, OwnerColumns, Periods, WindowName } from "../../lib/windows.ts";

/** One row, id 1. `set_at` null: not killed. */
export interface KillSwitchTable {
  id: number;
  set_at: number | null;
  reason: string | null;
}

/** One row, id 1: the latest budget time, and the pair of wall clock and uptime that this boot is measured from. */
export interface BudgetClockTable {
  id: number;
  latest_at: number;
  anchor_at: number;
  /** Uptime at the anchor. */
  uptime_ms: number;
  boot_id: string;
}

/**
 * A counter for each window, whose it is ("agent", or `job:digest`) and period. An `hour` period is one minute; the last
 * hour is the sum of its minutes. `cap_` is the cap under which a reservation was last accepted (null: none), so that the
 * schema can say `settled - overrun + reserved <= cap`. `overrun_` is what calls took above what was reserved for them;
 * `admitted_calls` counts every call that was let through, also where it was released since.
 */
export interface BudgetWindowsTable
  extends Record<`${"settled" | "reserved" | "overrun"}_${Amount}`, Generated<number>>,
    Record<`cap_${Amount}`, number | null> {
  window: WindowName;
  scope: Generated<string>;
  period: string;
  admitted_calls: Generated<number>;
}

/** Where a call is: what is `reserved`, `sending` or `unknown` counts with its worst case. */
export type LedgerState = "reserved" | "sending" | "unknown" | "settled" | "released";

/** One guarded call, with the periods of the windows that it counts in and whose it is. */
export interface LedgerTable extends Periods, OwnerColumns {
  id: string;
  state: LedgerState;
  /** The model reference or, for a guarded function, the name it was given. */
  model: string;
  created_at: number;
  /** After this the call cannot be under way any more, whoever made it. */
  deadline_at: number;
  finished_at: number | null;
  estimate_micros: number;
  estimate_tokens: number;
  /** What is charged; set when settled. Tokens that the provider did not count are charged as they were bounded. */
  cost_micros: number | null;
  cost_tokens: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  /** The job's key and the tick's id, for calls made in one. */
  job: string | null;
  tick: string | null;
  step: string | null;
  /** What a client of the gateway calls the conversation, for reports alone. */
  session: string | null;
  /** Who holds the call: the lock holder's id, or null for a process without the lock. */
  runner: string | null;
  /** sha256 of the request. */
  request_hash: string | null;
  degraded: number;
  error: string | null;
}

/** One row a dependency. Which columns are set follows from `state`; rails/breaker.ts reads it as a tagged union. */
export interface BreakersTable {
  name: string;
  state: "closed" | "open" | "half_open" | "blocked";
  failures: number;
  /** When an open breaker lets one probe through; when a half-open one gives its probe up for lost. */
  until: number | null;
  /** How long the breaker was, or will next be, open. */
  cooldown_ms: number;
  probe: string | null;
  reason: string | null;
  updated_at: number;
}

/** The period of each calendar window that is open, by budget time: from its opening up to its end in the zone in which it was opened. */
export interface OpenPeriodsTable {
  window: CalendarWindow;
  period: string;
  opened_at: number;
  ends_at: number;
}

/** A model that has refused every call of the latest run that asked it, for a reason that waiting does not heal. */
export interface ModelRefusalsTable {
  model: string;
  since_at: number;
  last_at: number;
  /** In the server's own words. */
  reason: string;
}
