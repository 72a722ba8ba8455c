import { type Selectable, sql } from "kysely";
import type { Notice } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { HOUR_MS, MINUTE_MS } from "../../lib/durations.ts";
import { asSentence } from "../../lib/text.ts";
import { readMeta, runKeys } from "../../store/meta.ts";
import type { TicksTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";
import { latestTicks } from "../history.ts";
import type { MachineView } from "../machines.ts";
import type { Worker } from "../worker.ts";

/** One thing that is wrong. It is the same occurrence for as long as it lasts, so that it alerts once. */
export interface WatchNotice extends Notice {
  event: "heartbeat_late" | "no_output";
}

interface HeartbeatSources {
  config: Pick<Config, "heartbeat" | "jobs" | "tickSeconds">;
  db: Db;
  /** Whether somebody is at work; it was asked at `nowMs`, before anything was read that `db` shows. */
  worker: Worker;
  /** Of a fleet. */
  machines: readonly MachineView[];
  nowMs: number;
}

/** Why the work is not done as it should be: in a line for people, and as the watchdog announces it. */
export interface Late {
  how: "suspended" | "gone" | "ended" | "died" | "never" | "hanging" | "overdue";
  problem: string;
  /** Null while it is too soon to wake anybody: a worker that was ended in order may be on its way back. */
  finding: WatchNotice | null;
}

/** afk.timer's interval: nothing is late that came more often than this lately. */
const INTERVAL_MIN_MS = 5 * MINUTE_MS;
/** How many ticks say how often they come. */
const TICKS_READ = 21;
/** A tick claims no further job after 50 minutes; the rest is for what it does besides. */
const TICK_MAX_MS = HOUR_MS;
const AFK_DID = "afk did nothing but tell you: a watchdog starts no work.";

/**
 * Whether the work is done as it should be, for `readCondition`. A worker that is gone or suspended is seen at once. Else the
 * last tick does not end, the next one is later than the grace, or there never was one. How often ticks come is taken from
 * the last ones, since a timer, a crontab and the loop all have their own interval.
 */
export async function lateHeartbeat(sources: HeartbeatSources): Promise<Late | null> {
  const ticks = await latestTicks(sources.db, sources.nowMs, TICKS_READ);
  const [last] = ticks;
  // Whoever began it while the clock was ahead may have died since.
  const ahead = await sources.db
    .selectFrom("ticks")
    .selectAll()
    .where("outcome", "=", "running")
    .where("started_at", ">", last?.started_at ?? 0)
    .executeTakeFirst();
  const absent = await absentWorker(sources, ahead ?? last);
  if (absent !== null) return absent;
  if (last === undefined) return await neverBegun(sources);
  const scheduled = ticks.filter((tick) => tick.by_hand === 0);
  const intervalMs = usualInterval(scheduled, sources.config.tickSeconds);
  const hanging = await hangingElsewhere(sources, intervalMs);
  if (hanging !== null) return hanging;
  return last.finished_at === null
    ? neverEnded(sources, last, intervalMs)
    : notAgain(sources, last, scheduled.length > 1 ? intervalMs : null);
}

/**
 * How far ticks usually lie apart, of some that are the newest first, in ms: the median, so that a night in which the machine
 * was off does not hide that the timer is dead today; five minutes at least.
 */
export function usualInterval(ticks: Selectable<TicksTable>[], tickSeconds: number): number {
  const starts = ticks.map((tick) => tick.started_at);
  const gaps = starts.slice(1).map((before, index) => (starts[index] ?? before) - before);
  gaps.sort((a, b) => a - b);
  return Math.max(INTERVAL_MIN_MS, tickSeconds * 1_000, gaps[Math.floor(gaps.length / 2)] ?? 0);
}

async function neverBegun({ config, db, nowMs }: HeartbeatSources): Promise<Late | null> {
  // Jobs without a schedule wait for a person.
  if (config.jobs.every(({ schedule }) => schedule.type === "manual")) return null;
  const { rows } = await sql<{ born: string | null }>`
    select min(timestamp) as born from kysely_migration`.execute(db);
  const bornMs = Date.parse(rows[0]?.born ?? "");
  if (Number.isNaN(bornMs) || nowMs <= bornMs + INTERVAL_MIN_MS + config.heartbeat.graceMs) return null;
  const problem = `the state was made at ${toIso(bornMs)}, and no tick has run since`;
  const message = `T${problem.slice(1)}: the timer was never started, or cannot start anything. ${AFK_DID} Look: afk status`;
  const asked = `${problem}: is the timer running?`;
  return late("never", "No tick has ever run", asked, `never:${bornMs}`, message);
}

/** A tick that hangs on one machine of a fleet, which the ticks of the others would hide. */
async function hangingElsewhere(sources: HeartbeatSources, intervalMs: number): Promise<Late | null> {
  const live = sources.machines.filter(({ lease }) => lease.state === "live");
  if (live.length === 0) return null;
  const running = await sources.db
    .selectFrom("ticks")
    .selectAll()
    .where("outcome", "=", "running")
    .where(
      "machine",
      "in",
      live.map(({ id }) => id),
    )
    .orderBy("started_at")
    .limit(1)
    .executeTakeFirst();
  if (running === undefined) return null;
  const name = live.find(({ id }) => id === running.machine)?.name;
  return neverEnded(sources, running, intervalMs, name);
}

/** Its process is there, since a tick without one has died. */
function neverEnded(
  { config, worker, nowMs }: HeartbeatSources,
  tick: Selectable<TicksTable>,
  intervalMs: number,
  machine?: string,
): Late | null {
  const { graceMs } = config.heartbeat;
  // Its last job may have been claimed at the end, and then has its own limit.
  const jobMaxMs = Math.max(0, ...config.jobs.map((job) => job.timeoutMs));
  const mayRunMs = Math.max(TICK_MAX_MS + jobMaxMs, intervalMs) + graceMs;
  if (nowMs <= tick.started_at + mayRunMs || worker.state === "none") return null;
  const where = machine === undefined ? "" : ` on ${machine}`;
  const began = `he tick that began at ${toIso(tick.started_at)}${where} has not ended`;
  const message = `T${began}. Its process is still there and holds the state. ${AFK_DID} Look: afk logs --tick last`;
  return late("hanging", `A tick hangs${where}`, `t${began}: its process hangs`, tick.id, message);
}

/**
 * A timer comes when it comes, also where a job is due earlier. The loop goes by what is due, and so does whoever is known by one
 * tick alone.
 */
function notAgain(
  { config, worker, nowMs }: HeartbeatSources,
  tick: Selectable<TicksTable>,
  intervalMs: number | null,
): Late | null {
  const again =
    intervalMs === null ? Number.POSITIVE_INFINITY : (tick.finished_at ?? tick.started_at) + intervalMs;
  const isTimer = worker.state === "none" && intervalMs !== null;
  const dueMs = isTimer ? again : Math.min(tick.next_due_at ?? Number.POSITIVE_INFINITY, again);
  if (nowMs <= dueMs + config.heartbeat.graceMs) return null;
  const lastAt = toIso(tick.started_at);
  const message =
    `The last tick was at ${lastAt}; the next was due by ${toIso(dueMs)} and has not come. ` +
    `No work is done. ${AFK_DID} Is the timer running? Look: afk status`;
  const problem = `the last tick was at ${lastAt}, and the next was due at ${toIso(dueMs)}: is the timer running?`;
  return late("overdue", `No tick since ${lastAt}`, problem, tick.id, message);
}

const START = "start it again (afk run, or its unit)";

/**
 * How the worker is not there though it should be: it is suspended, it ended without a word (SIGKILL, no memory left, a
 * reboot), or it was told to end. Null when one is at work, and between the ticks of a timer.
 */
async function absentWorker(
  { config, db, worker, machines, nowMs }: HeartbeatSources,
  last: Selectable<TicksTable> | undefined,
): Promise<Late | null> {
  if (worker.state === "working") return null;
  if (worker.state === "suspended") {
    const problem = `the worker (process ${worker.pid}) is suspended and does nothing: kill -CONT ${worker.pid}`;
    return late("suspended", "The worker is suspended", problem, last?.id ?? "start");
  }
  const gone = lastGone(machines);
  if (gone !== null) return gone;
  // In a fleet that of the machine that was at work last.
  const { began, ended } = runKeys(machines[0]?.id ?? null);
  const beganAt = await readMeta(db, began);
  if (beganAt > 0 && !isNewer(beganAt, nowMs)) {
    const endedAt = await readMeta(db, ended);
    if (endedAt === 0) {
      const lastSign = Math.max(beganAt, last?.finished_at ?? last?.started_at ?? 0);
      const problem = `the worker that began at ${toIso(beganAt)} ended without a word after ${toIso(lastSign)}: ${START}`;
      return late("gone", "The worker ended without a word", problem, `run:${beganAt}`);
    }
    const problem = `no worker is running since ${toIso(endedAt)}, when it was told to end: ${START}`;
    const told = late("ended", `No worker is running since ${toIso(endedAt)}`, problem, `run:${beganAt}`);
    return nowMs > endedAt + config.heartbeat.graceMs ? told : { ...told, finding: null };
  }
  if (last?.outcome === "running" && !isNewer(last.started_at, nowMs)) {
    const problem = `the tick that began at ${toIso(last.started_at)} has not ended: its process has died`;
    return late("died", "A tick died, and none came after it", problem, last.id);
  }
  return null;
}

/** Of a fleet nobody is at work, and whoever was so last did not end in order. */
function lastGone(machines: readonly MachineView[]): Late | null {
  const endOf = ({ lease, lookedAt }: MachineView) =>
    lease.state === "ended" ? (lease.since ?? lookedAt) : lookedAt;
  const [last] = machines.toSorted((a, b) => endOf(b) - endOf(a));
  if (last === undefined || last.lease.state === "ended") return null;
  const problem = `no machine of the fleet is at work: ${last.name} was the last, and ended without a word after ${toIso(last.lookedAt)}: ${START}`;
  return late("gone", "No machine of the fleet is at work", problem, `machine:${last.runner}`);
}

/**
 * What began after the lock was asked says nothing of who held it then. Within a minute: further ahead it was written before
 * the clock was set back.
 */
export function isNewer(atMs: number, askedMs: number): boolean {
  return atMs >= askedMs && atMs < askedMs + MINUTE_MS;
}

/** @param episode what is the same for as long as this lasts */
function late(how: Late["how"], title: string, problem: string, episode: string, message?: string): Late {
  const sentence = asSentence(problem.charAt(0).toUpperCase() + problem.slice(1));
  const usual = `${sentence} No work is done, and afk did nothing but tell you. Look: afk status`;
  const finding = { title, message: message ?? usual, subject: "", occurrence: episode };
  return { how, problem, finding: { event: "heartbeat_late", ...finding } };
}
