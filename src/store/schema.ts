import type { Kysely, Transaction } from "kysely";
import type * as alerts from "./schema/alerts.ts";
import type * as egress from "./schema/egress.ts";
import type * as evidence from "./schema/evidence.ts";
import type * as fleet from "./schema/fleet.ts";
import type * as gateway from "./schema/gateway.ts";
import type * as queue from "./schema/queue.ts";
import type * as rails from "./schema/rails.ts";
import type * as results from "./schema/results.ts";

/**
 * The tables, as the newest migration leaves them. Instants are UTC epoch milliseconds (`_at`, `until`), money is
 * integer micro-dollars (`_micros`), booleans are 0 or 1, JSON is text. The constraints are in the migrations.
 */
export interface Schema {
  kill_switch: rails.KillSwitchTable;
  breakers: rails.BreakersTable;
  budget_clock: rails.BudgetClockTable;
  budget_windows: rails.BudgetWindowsTable;
  open_periods: rails.OpenPeriodsTable;
  ledger: rails.LedgerTable;
  jobs: queue.JobsTable;
  dead_letters: queue.DeadLettersTable;
  model_refusals: rails.ModelRefusalsTable;
  steps: queue.StepsTable;
  outputs: queue.OutputsTable;
  drafts: queue.DraftsTable;
  seen: queue.SeenTable;
  alerts: alerts.AlertsTable;
  alert_channels: alerts.AlertChannelsTable;
  alert_deliveries: alerts.AlertDeliveriesTable;
  schedules: queue.SchedulesTable;
  ticks: evidence.TicksTable;
  http_cache: egress.HttpCacheTable;
  robots: egress.RobotsTable;
  host_limits: egress.HostLimitsTable;
  meta: evidence.MetaTable;
  owners: evidence.OwnersTable;
  drills: evidence.DrillsTable;
  clock: evidence.ClockTable;
  clock_days: evidence.ClockDaysTable;
  incidents: evidence.IncidentsTable;
  releases: evidence.ReleasesTable;
  ledger_days: evidence.LedgerDaysTable;
  job_days: evidence.JobDaysTable;
  tick_days: evidence.TickDaysTable;
  taken_names: queue.TakenNamesTable;
  processes: queue.ProcessesTable;
  client_keys: gateway.ClientKeysTable;
  answers: gateway.AnswersTable;
  gateway_days: gateway.GatewayDaysTable;
  results: results.ResultsTable;
  deliveries: results.DeliveriesTable;
  alert_routes: alerts.AlertRoutesTable;
  digest_items: results.DigestItemsTable;
  job_memory: queue.JobMemoryTable;
  paused_jobs: queue.PausedJobsTable;
  questions: queue.QuestionsTable;
  cap_grants: queue.CapGrantsTable;
  wrong_codes: queue.WrongCodesTable;
  remote_cursors: queue.RemoteCursorsTable;
  remote_messages: queue.RemoteMessagesTable;
  gate: fleet.GateTable;
  database_events: fleet.DatabaseEventsTable;
  commits: fleet.CommitsTable;
  machines: fleet.MachinesTable;
  chores: fleet.ChoresTable;
}

/** A connection to read and write through: the store's own, or an open transaction. */
export type Db = Kysely<Schema>;
/** The transaction of a section of `atomically`. */
export type Trx = Transaction<Schema>;
