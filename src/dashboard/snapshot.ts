import type { Config } from "../config/config.ts";
import { askedReferences } from "../config/job-models.ts";
import { listIncidents } from "../evidence/incidents/incidents.ts";
import type { Clock } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { type Redact, redacted } from "../lib/redact.ts";
import { healthOf } from "../ops/condition/condition.ts";
import { readDaySpend, readDayTicks, readTickTotals } from "../ops/history.ts";
import { listDeadJobs, listWaiting } from "../ops/jobs.ts";
import { readLastResults } from "../ops/last-results.ts";
import { readModelHour } from "../ops/model-hour.ts";
import { readNextRuns } from "../ops/next-runs.ts";
import { listAlerts } from "../ops/recent-alerts.ts";
import { createSourceBook, readLatestDigest } from "../ops/sources.ts";
import { readStatus } from "../ops/status.ts";
import type { Observation } from "../ops/worker.ts";
import type { Db } from "../store/schema.ts";

/** Days of spend, and of ticks, on the page. */
const SPEND_DAYS = 30;
const STRIP_DAYS = 14;
const WAITING = 8;
const DEAD = 10;
const INCIDENTS = 10;
const ALERTS = 10;

/** What snapshots are read with. */
export interface SnapshotSources {
  config: Config;
  version: string;
  clock: Clock;
  /** Takes secrets out of every text that is shown. */
  redact: Redact;
}

/** Everything the page and the metrics say, all of one moment; `at` in epoch milliseconds. */
export type Snapshot = Awaited<ReturnType<ReturnType<typeof createSnapshots>>>;

/** Makes the reader of snapshots, which is given what was observed before the moment that `db` shows; it remembers what cannot change any more, so one serves a process for its life. */
export function createSnapshots({ version, clock, redact, ...sources }: SnapshotSources) {
  const sourceBook = createSourceBook();
  return async (db: Db, observed: Observation, config = sources.config) => {
    const { nowMs } = observed;
    const status = await readStatus({ config, version, db, clock, observed });
    // The day that counts is the budget's: it does not run backwards with the clock.
    const today =
      status.spend.find(({ window }) => window === "day")?.period ?? dayIn(nowMs, config.timezone);
    const snapshot = {
      at: nowMs,
      timezone: config.timezone,
      known: knownNames(config),
      status,
      health: healthOf(status),
      spend: await readDaySpend(db, today, SPEND_DAYS),
      days: await readDayTicks(db, today, STRIP_DAYS, config.timezone),
      tickTotals: await readTickTotals(db, { isHeld: status.worker.state !== "none" }),
      models: await readModelHour(db, nowMs),
      waiting: await listWaiting(db, WAITING),
      dead: await listDeadJobs(db, DEAD),
      // Those that nobody has closed, the newest first.
      incidents: await listIncidents(db, { all: false, limit: INCIDENTS }),
      sources: await sourceBook(db, config.jobs),
      digest: await readLatestDigest(db, config.jobs),
      alerts: await listAlerts(db, config.alerts, ALERTS),
      next: await readNextRuns(db, config, nowMs),
      last: await readLastResults(db, config.jobs),
    };
    // Secrets are taken out before they are kept; what is shown to a browser is looked at once more, all of it.
    return redacted(snapshot, redact);
  };
}

/** What metrics have as labels before anything has happened to it. */
function knownNames(config: Config) {
  const { gateway, jobs, egress } = config;
  const references = [...new Set([...askedReferences(config), ...Object.values(gateway.models ?? {})])];
  const clients = gateway.clients.map(({ name }) => name);
  const hosts = egress.allow.filter((host) => !host.includes("*"));
  const breakers = [
    ...references.map((reference) => `model:${reference}`),
    ...hosts.map((host) => `host:${host}`),
    ...jobs.map(({ name }) => `job:${name}`),
    ...clients.map((name) => `client:${name}`),
  ];
  return { models: references, clients, breakers };
}
