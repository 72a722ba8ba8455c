import type { Generated, Kysely, Transaction } from "kysely";
import type { Amount, OwnerColumns, Periods, WindowName } from "../lib/windows.ts";
import type {
  HostLimitsTable,
  HttpCacheTable,
  MetaTable,
  OwnersTable,
  RobotsTable,
  SchedulesTable,
  SeenTable,
} from "./schema-egress.ts";
import type {
  ClockDaysTable,
  ClockTable,
  DrillsTable,
  IncidentsTable,
  ReleasesTable,
} from "./schema-evidence.ts";
import type { DeadLettersTable, ModelRefusalsTable } from "./schema-letters.ts";
import type { ProcessesTable } from "./schema-processes.ts";
import type { BreakersTable, OpenPeriodsTable } from "./schema-rails.ts";
import type { JobDaysTable, LedgerDaysTable, TakenNamesTable, TickDaysTable } from "./schema-retention.ts";

/**
 * The tables, as the newest migration leaves them. Instants are UTC epoch milliseconds (`_at`, `until`), money is
 * integer micro-dollars (`_micros`), booleans are 0 or 1, JSON is text. The constraints are in the migrations.
 */
export interface Schema {
  kill_switch: KillSwitchTable;
  breakers: BreakersTable;
  budget_clock: BudgetClockTable;
  budget_windows: BudgetWindowsTable;
  open_periods: OpenPeriodsTable;
  ledger: LedgerTable;
  jobs: JobsTable;
  dead_letters: DeadLettersTable;
  model_refusals: ModelRefusalsTable;
  steps: StepsTable;
  outputs: OutputsTable;
  drafts: DraftsTable;
  seen: SeenTable;
  alerts: AlertsTable;
  alert_channels: AlertChannelsTable;
  alert_deliveries: AlertDeliveriesTable;
  schedules: SchedulesTable;
  ticks: TicksTable;
  http_cache: HttpCacheTable;
  robots: RobotsTable;
  host_limits: HostLimitsTable;
  meta: MetaTable;
  owners: OwnersTable;
  drills: DrillsTable;
  clock: ClockTable;
  clock_days: ClockDaysTable;
  incidents: IncidentsTable;
  releases: ReleasesTable;
  ledger_days: LedgerDaysTable;
  job_days: JobDaysTable;
  tick_days: TickDaysTable;
  taken_names: TakenNamesTable;
  processes: ProcessesTable;
}

/** A connection to read and write through: the store's own, or an open transaction. */
export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

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
 * schema can say `settled - overrun + reserved <= cap`. `overrun_` is what calls took above what was reserved for them.
 */
export interface BudgetWindowsTable
  extends Record<`${"settled" | "reserved" | "overrun"}_${Amount}`, Generated<number>>,
    Record<`cap_${Amount}`, number | null> {
  window: WindowName;
  scope: Generated<string>;
  period: string;
}

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
  /** Who holds the call: the lock holder's id, or null for a process without the lock. */
  runner: string | null;
  /** sha256 of the request. */
  request_hash: string | null;
  degraded: number;
  error: string | null;
}

export type JobState = "ready" | "running" | "done" | "dead";

export interface JobsTable {
  id: string;
  key: string;
  name: string;
  kind: string;
  payload: string;
  state: JobState;
  attempts: number;
  max_attempts: number;
  run_at: number;
  lease_until: number | null;
  /** The first of its failures in a row that were no fault of its own; null where it waits for nothing that is down. */
  waiting_since: number | null;
  /** Fencing token: grows with every claim; every later write names it. */
  token: number;
  /** Who claimed it. */
  runner: string | null;
  error: string | null;
  units: number;
  by_hand: number;
  slot_at: number;
  label: string;
  created_at: number;
  updated_at: number;
}

export interface StepsTable {
  job_id: string;
  name: string;
  result: string;
  created_at: number;
}

/** A file for `out/`. It commits with its job; a pending one is written again until it is there. */
export interface OutputsTable {
  name: string;
  job_id: string;
  content: string;
  state: "pending" | "published";
  created_at: number;
  published_at: number | null;
}

export type DraftState = "pending" | "approving" | "done" | "unknown" | "rejected";

/** An irreversible action. Its id is the idempotency key of every try at it. */
export interface DraftsTable {
  id: string;
  job_id: string;
  name: string;
  action: string;
  content: string;
  /** `approving`: a person said yes, and what came of it is not written down yet. `unknown`: it may have been done. */
  state: DraftState;
  created_at: number;
  attempted_at: number | null;
  /** When it was done or rejected. */
  decided_at: number | null;
  /** What was done. */
  summary: string | null;
  /** Why the latest try did not do it, or may not have. */
  error: string | null;
}

export interface AlertsTable {
  id: string;
  /** Made of event, subject and occurrence (keyOf in alerts/events.ts). */
  key: string;
  event: string;
  /** What it is about; empty for the agent itself. */
  subject: Generated<string>;
  /** Which time of that: an id, a period, an instant. */
  occurrence: Generated<string>;
  /** Its age for retention counts from here: when it was written, or later where the clock was set back before it. */
  kept_from: Generated<number>;
  /** 1: who gets it is decided, and its deliveries are there. */
  is_routed: Generated<number>;
  severity: string;
  /** AlertPayload, JSON. */
  payload: string;
  created_at: number;
}

/** The channels that the worker took over last, whose alerts every process writes. */
export interface AlertChannelsTable {
  name: string;
  /** As in alert_deliveries. */
  channel: string;
  /** The events that it asks for, JSON; null is all that is more than information. */
  events: string | null;
}

export interface AlertDeliveriesTable {
  alert_id: string;
  /** The channel's identity: its type and a hash of its address, never the address. */
  channel: string;
  state: "pending" | "sent" | "failed";
  attempts: number;
  next_at: number;
  error: string | null;
  updated_at: number;
}

export interface TicksTable {
  id: string;
  started_at: number;
  finished_at: number | null;
  outcome: "running" | "ok" | "idle" | "halted" | "failed" | "crashed";
  reason: string | null;
  units: number;
  cost_micros: number;
  by_hand: number;
  next_due_at: number | null;
  version: string;
}
