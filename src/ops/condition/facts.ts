import { type Selectable, sql } from "kysely";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import { askedReferences } from "../../config/job-models.ts";
import { hashOfFile } from "../../config/live.ts";
import { type DeliveryCounts, deliveryCounts } from "../../delivery/counts.ts";
import type { Clock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { usdFromMicros } from "../../lib/money.ts";
import { listRefusals } from "../../providers/refusals.ts";
import { NOT_PAUSED } from "../../queue/pause.ts";
import { listBreakers } from "../../rails/breaker.ts";
import { readMeta } from "../../store/meta.ts";
import type { TicksTable } from "../../store/schema/evidence.ts";
import type { ModelRefusalsTable } from "../../store/schema/rails.ts";
import type { Db } from "../../store/schema.ts";
import { countDrafts } from "../drafts.ts";
import { type NextRun, readNextRuns } from "../next-runs.ts";
import { type PausedJob, readPaused } from "../paused.ts";
import { queueCounts, type WaitingStatus, waitingJobs } from "../queue-status.ts";
import { type RemoteStatus, readRemoteStatus } from "../remote-status.ts";
import { countFailingSources } from "../sources.ts";
import type { Observation } from "../worker.ts";
import { refusingCaps, refusingRunCaps } from "./caps.ts";
import type { Finding } from "./finding.ts";
import { databaseFindings } from "./fleet.ts";
import { stuckMessages } from "./messages.ts";
import { networksByAgreement } from "./network.ts";
import { type CapAnswers, readCapAnswers } from "./questions.ts";
import { readSpend, type Spend } from "./spend.ts";

/** What a condition is read from. */
export interface ConditionSources {
  config: Config;
  db: Db;
  clock: Clock;
}

/** What the database says of everything that is assessed, beside the kill switch and the ticks. */
export interface Facts {
  spend: Spend;
  /** Calls whose outcome is unknown, charged at their worst case. */
  unknown: { calls: number; usd: number };
  breakers: Awaited<ReturnType<typeof listBreakers>>;
  queue: Awaited<ReturnType<typeof queueCounts>>;
  /** Jobs that were due before the grace began, and that the last tick did not take: they are ready still. */
  overdueJobs: number;
  drafts: { pending: number; unknown: number };
  capAnswers: CapAnswers;
  outputs: { pending: number; stuck: number };
  waiting: WaitingStatus | null;
  paused: PausedJob[];
  refusals: Selectable<ModelRefusalsTable>[];
  failingSources: number;
  remotes: RemoteStatus[];
  alerts: { pending: number; failed: number };
  deliveries: DeliveryCounts;
  /** Caps and messages are assessed where they are read. */
  found: Finding[];
  /** Since when no ping was taken, in epoch milliseconds; 0 while they are. */
  pingFailingSince: number;
  refusedClients: { name: string; refused: number }[];
  /** Jobs whose time came before the grace began. */
  missed: NextRun[];
  isConfigRefused: boolean;
  isDrifted: boolean;
  config: Config;
}

/** Reads what is assessed; as long with a hundred thousand jobs as with one. */
export async function readFacts(
  sources: ConditionSources,
  {
    observed: { nowMs, worker },
    lastTick,
    isLate,
  }: { observed: Observation; lastTick: Selectable<TicksTable> | undefined; isLate: boolean },
): Promise<Facts> {
  const { config, db } = sources;
  const spend = await readSpend(sources);
  const capAnswers = await readCapAnswers(sources, nowMs);
  const graceEndsMs = nowMs - config.heartbeat.graceMs;
  // Between two ticks of a timer that is not late, what came due since the last one began is for the next.
  const isBetween = worker.state === "none" && !isLate && lastTick !== undefined;
  const waitsMs = isBetween ? Math.min(graceEndsMs, lastTick.started_at) : graceEndsMs;
  return {
    spend,
    capAnswers,
    config,
    unknown: await unknownCalls(db),
    breakers: await listBreakers(db),
    queue: await queueCounts(db),
    overdueJobs: await countReadyBefore(db, waitsMs),
    drafts: await countDrafts(db),
    // While somebody works a file is on its way for a moment.
    outputs: await countPendingOutputs(
      db,
      worker.state === "working" ? nowMs - MINUTE_MS : nowMs + MINUTE_MS,
    ),
    waiting: await waitingJobs(db),
    paused: await readPaused(db, config),
    refusals: await listRefusals(db, askedReferences(config)),
    remotes: await readRemoteStatus(db, config),
    failingSources: await countFailingSources(db, config.jobs),
    alerts: await alertCounts(db),
    deliveries: await deliveryCounts(db),
    found: [
      ...(await refusingCaps(db, spend, capAnswers.grants)),
      ...(await refusingRunCaps(db, lastTick?.id ?? null, capAnswers.grants)),
      ...(await stuckMessages(db, config, nowMs)),
      ...(await networksByAgreement(config)),
      ...(await databaseFindings(db, config, nowMs)),
    ],
    pingFailingSince: config.heartbeat.pingUrl === null ? 0 : await readMeta(db, "ping_failed_at"),
    refusedClients: await refusedClients(db, spend.day),
    missed: (await readNextRuns(db, config, nowMs)).filter(({ dueAt }) => dueAt !== null && dueAt < waitsMs),
    isConfigRefused: await isFileRefused(db, config.paths.configFile),
    isDrifted: await isNeverReleased(db, config),
  };
}

async function unknownCalls(db: Db): Promise<Facts["unknown"]> {
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

async function countReadyBefore(db: Db, atMs: number): Promise<number> {
  const { count } = await db
    .selectFrom("jobs")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("state", "=", "ready")
    .where("run_at", "<", atMs)
    .where(NOT_PAUSED)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** `stuck` are those that were made before `atMs`. */
async function countPendingOutputs(db: Db, atMs: number): Promise<Facts["outputs"]> {
  const { rows } = await sql<{ pending: number; stuck: number }>`
    select count(*) as pending, count(case when created_at < ${atMs} then 1 end) as stuck
    from outputs where state = 'pending'`.execute(db);
  return { pending: Number(rows[0]?.pending ?? 0), stuck: Number(rows[0]?.stuck ?? 0) };
}

async function alertCounts(db: Db): Promise<Facts["alerts"]> {
  const rows = await db
    .selectFrom("alert_deliveries")
    .select((eb) => ["state", eb.fn.countAll<number>().as("count")])
    .groupBy("state")
    .execute();
  const count = (wanted: string) => Number(rows.find(({ state }) => state === wanted)?.count ?? 0);
  const forgotten = await readMeta(db, "forgotten_deliveries_failed");
  return { pending: count("pending"), failed: count("failed") + forgotten };
}

async function refusedClients(db: Db, day: string): Promise<Facts["refusedClients"]> {
  const rows = await db
    .selectFrom("gateway_days")
    .select(["owner", "refused"])
    .where("day", "=", day)
    .where("owner", ">=", "client:")
    .where("owner", "<", "client;")
    .where("refused", ">", 0)
    .execute();
  return rows.map(({ owner, refused }) => ({ name: owner.slice("client:".length), refused }));
}

/** Whether a worker has refused afk.yaml as it stands now, and goes on with the one before. */
async function isFileRefused(db: Db, file: string): Promise<boolean> {
  // The occurrence of the alert begins with the content's hash.
  const prefix = hashOfFile(file).slice(0, 16);
  const told = await db
    .selectFrom("alerts")
    .select("id")
    .where("event", "=", "config_refused")
    .where("subject", "=", "")
    .where("occurrence", ">=", `${prefix}:`)
    .where("occurrence", "<", `${prefix};`)
    .limit(1)
    .executeTakeFirst();
  return told !== undefined;
}

/** Whether something was released, and not this configuration. */
async function isNeverReleased(db: Db, config: Config): Promise<boolean> {
  const any = await db.selectFrom("releases").select("id").limit(1).executeTakeFirst();
  if (any === undefined) return false;
  const released = db.selectFrom("releases").select("id").where("config_hash", "=", configHash(config));
  return (await released.limit(1).executeTakeFirst()) === undefined;
}
