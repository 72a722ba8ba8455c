import { type Selectable, sql } from "kysely";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { usdFromMicros } from "../lib/money.ts";
import { viewOf } from "../lib/view.ts";
import { AGENT, UNITS, type UnitName, WINDOWS, type WindowName } from "../lib/windows.ts";
import { listRefusals } from "../providers/refusals.ts";
import { listBreakers } from "../rails/breaker.ts";
import type { BreakerState } from "../rails/breaker-state.ts";
import { peekBudgetNow } from "../rails/budget-time.ts";
import { readSpends } from "../rails/counters.ts";
import type { Kill } from "../rails/halt.ts";
import { peekPeriods } from "../rails/periods.ts";
import { shownWindows } from "../rails/windows.ts";
import { readMeta } from "../store/meta.ts";
import type { EndedTick, TicksTable } from "../store/schema/evidence.ts";
import type { JobState } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";
import { readCondition } from "./condition.ts";
import { countDrafts } from "./drafts.ts";
import { type GatewayStatus, readGatewayStatus } from "./gateway-status.ts";
import { latestTicks } from "./history.ts";
import { queueCounts, type WaitingStatus, waitingJobs } from "./queue-status.ts";
import { countFailingSources } from "./sources.ts";
import { readUnattended, type UnattendedStatus } from "./unattended.ts";
import type { Late } from "./watchdog/heartbeat.ts";
import { observeWorker, type Worker, type WorkerObservation } from "./worker.ts";

/** What `afk status --json` prints. Instants are ISO 8601 in UTC, money in US dollars. */
export interface Status {
  agent: string;
  version: string;
  /** `remedy`: what is to be done, where `afk resume` alone would not help. */
  killed: { by: string; at: string; reason: string; remedy?: string } | null;
  spend: WindowStatus[];
  /** Calls whose outcome is unknown; they stay charged at their worst case. */
  unknown: { calls: number; usd: number };
  breakers: {
    name: string;
    state: BreakerState["state"];
    failures: number;
    until: string | null;
    reason: string | null;
  }[];
  queue: Record<JobState, number>;
  alerts: { pending: number; failed: number };
  /** `unknown`: a person must find out whether they were done. */
  drafts: { pending: number; unknown: number };
  /** Files that are saved and not in `out/`; between ticks these are the ones that were set aside. */
  outputs: { pending: number };
  /** Jobs that wait for a model or a host that is down; null while none does. */
  waiting: WaitingStatus | null;
  /** Models that refused every call of the latest run that asked them, for a reason that waiting does not heal. */
  refusals: { model: string; since: string; at: string; reason: string }[];
  /** Sources of digests that could not be read at the last run; the rest goes on. */
  sources: { failing: number };
  lastTick: TickStatus | null;
  /** The latest ticks, oldest first, the last one included. */
  ticks: TickStatus[];
  /** When a tick last showed life, and what keeps work from being done, by the watchdog's rule; a stopped agent is never late. */
  heartbeat: { at: string | null; isLate: boolean; how: Late["how"] | null; problem: string | null };
  /** Who holds the lock; `pid` is null where there is nobody, or the system does not say who. */
  worker: { state: Worker["state"]; pid: number | null };
  nextDueAt: string | null;
  /** The gateway and who asks it; null where there is none. */
  gateway: GatewayStatus | null;
  /** The count of unattended days; null while no clock runs. */
  clock: UnattendedStatus | null;
}

/** What is spent of one window in one unit. First come the agent's own in dollars, then whatever else has a cap. */
export interface WindowStatus {
  window: WindowName;
  /** Whose: `agent`, `job:digest`, `client:laptop`. */
  scope: string;
  period: string;
  unit: UnitName;
  cap: number | null;
  settled: number;
  reserved: number;
  /** The same again, of the agent's own windows in dollars. */
  capUsd?: number | null;
  settledUsd?: number;
  reservedUsd?: number;
}

/** A tick as the status shows it. */
export interface TickStatus {
  id: string;
  startedAt: string;
  finishedAt: string | null;
  outcome: "running" | EndedTick;
  reason: string | null;
  units: number;
  usd: number;
}

interface StatusSources {
  config: Config;
  version: string;
  db: Db;
  clock: Clock;
  /** Where `db` shows an earlier moment than this one, what was observed before that. */
  observed?: WorkerObservation | undefined;
}

const TICKS_SHOWN = 60;

/** One glance at everything, which takes as long with a hundred thousand jobs as with one. Reads only. */
export async function readStatus(sources: StatusSources): Promise<Status> {
  const { config, db } = sources;
  const observed = sources.observed ?? observeWorker(config, sources.clock);
  const { worker } = observed;
  const { kill, late, lastTick: last } = await readCondition({ config, db }, observed);
  const spend = await readSpend(sources);
  const ticks = (await latestTicks(db, observed.nowMs, TICKS_SHOWN)).reverse();
  return {
    agent: config.agent,
    version: sources.version,
    killed: kill === null ? null : killView(kill),
    spend: spend.rows,
    unknown: await unknownCalls(db),
    breakers: await breakers(db),
    queue: await queueCounts(db),
    alerts: await alertCounts(db),
    drafts: await countDrafts(db),
    outputs: { pending: await countPendingOutputs(db) },
    waiting: await waitingJobs(db),
    refusals: (await listRefusals(db, config.models.chain)).map(({ model, since_at, last_at, reason }) => ({
      ...{ model, reason, since: toIso(since_at), at: toIso(last_at) },
    })),
    sources: { failing: await countFailingSources(db, config.jobs) },
    lastTick: last === undefined ? null : tickStatus(last),
    ticks: ticks.map(tickStatus),
    heartbeat: {
      at: last === undefined ? null : toIso(last.finished_at ?? last.started_at),
      isLate: late !== null,
      how: late?.how ?? null,
      problem: late?.problem ?? null,
    },
    worker: { state: worker.state, pid: "pid" in worker ? worker.pid : null },
    nextDueAt: last?.next_due_at == null ? null : toIso(last.next_due_at),
    gateway: await readGatewayStatus(db, config, spend.day),
    clock: await readUnattended(db),
  };
}

/** `day` by the budget's time. */
async function readSpend({
  config,
  db,
  clock,
}: StatusSources): Promise<{ rows: WindowStatus[]; day: string }> {
  const nowMs = await peekBudgetNow(db, clock);
  const periods = await peekPeriods(db, nowMs, config.timezone);
  const shown = shownWindows(periods, config.budget);
  const rows: WindowStatus[] = [];
  for (const windows of shown) {
    const spends = await readSpends(db, windows, nowMs);
    for (const { name: unit, amount } of UNITS) {
      for (const [index, { window, scope, period, caps }] of windows.entries()) {
        const { settled = 0, reserved = 0 } = spends[index]?.[amount] ?? {};
        const row = { window, scope, period, unit, cap: caps[amount] ?? null, settled, reserved };
        if (row.cap !== null || isAlwaysShown(row)) rows.push(unit === "usd" ? inDollars(row) : row);
      }
    }
  }
  return { rows, day: periods.day };
}

function isAlwaysShown({ window, scope, unit }: WindowStatus): boolean {
  const row = WINDOWS.find(({ name }) => name === window);
  return unit === "usd" && scope === AGENT && row?.isAlwaysShown === true;
}

function inDollars(row: WindowStatus): WindowStatus {
  const cap = row.cap === null ? null : usdFromMicros(row.cap);
  const [settled, reserved] = [usdFromMicros(row.settled), usdFromMicros(row.reserved)];
  const own = row.scope === AGENT ? { capUsd: cap, settledUsd: settled, reservedUsd: reserved } : {};
  return { ...row, cap, settled, reserved, ...own };
}

async function unknownCalls(db: Db): Promise<Status["unknown"]> {
  const row = await db
    .selectFrom("ledger")
    .select((eb) => [eb.fn.countAll<number>().as("calls"), eb.fn.sum<number>("estimate_micros").as("micros")])
    // Literally as the index of open calls has it: without that SQLite reads the whole ledger.
    .where(sql<boolean>`state in ('reserved', 'sending', 'unknown')`)
    .where("state", "=", "unknown")
    // Nobody can say more of the cost of a call that costs nothing.
    .where("estimate_micros", ">", 0)
    .executeTakeFirstOrThrow();
  return { calls: Number(row.calls), usd: usdFromMicros(Number(row.micros ?? 0)) };
}

async function breakers(db: Db): Promise<Status["breakers"]> {
  const list = await listBreakers(db);
  return list.map(({ name, state }) => ({
    name,
    state: state.state,
    failures: state.state === "closed" ? state.failures : 0,
    until: "until" in state ? toIso(state.until) : null,
    reason: "reason" in state ? state.reason : null,
  }));
}

async function alertCounts(db: Db): Promise<Status["alerts"]> {
  const rows = await db
    .selectFrom("alert_deliveries")
    .select((eb) => ["state", eb.fn.countAll<number>().as("count")])
    .groupBy("state")
    .execute();
  const count = (wanted: string) => Number(rows.find(({ state }) => state === wanted)?.count ?? 0);
  const forgotten = await readMeta(db, "forgotten_deliveries_failed");
  return { pending: count("pending"), failed: count("failed") + forgotten };
}

async function countPendingOutputs(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from outputs where state = 'pending'`.execute(db);
  return Number(rows[0]?.count ?? 0);
}

function tickStatus(tick: Selectable<TicksTable>): TickStatus {
  const { cost_micros, next_due_at: _due, by_hand: _byHand, version: _version, ...shown } = tick;
  return { ...viewOf(shown), usd: usdFromMicros(cost_micros) };
}

function killView({ by, at, reason, remedy }: Kill): Status["killed"] {
  return { by, at: toIso(at), reason, ...(remedy !== undefined && { remedy }) };
}
