import type { Kysely, Transaction } from "kysely";
import type { AlertChannelsTable, AlertDeliveriesTable, AlertsTable } from "./schema/alerts.ts";
import type { HostLimitsTable, HttpCacheTable, RobotsTable } from "./schema/egress.ts";
import type {
  ClockDaysTable,
  ClockTable,
  DrillsTable,
  IncidentsTable,
  JobDaysTable,
  LedgerDaysTable,
  MetaTable,
  OwnersTable,
  ReleasesTable,
  TickDaysTable,
  TicksTable,
} from "./schema/evidence.ts";
import type {
  DeadLettersTable,
  DraftsTable,
  JobsTable,
  OutputsTable,
  ProcessesTable,
  SchedulesTable,
  SeenTable,
  StepsTable,
  TakenNamesTable,
} from "./schema/queue.ts";
import type {
  BreakersTable,
  BudgetClockTable,
  BudgetWindowsTable,
  KillSwitchTable,
  LedgerTable,
  ModelRefusalsTable,
  OpenPeriodsTable,
} from "./schema/rails.ts";

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
