import { deliverAlerts } from "../alerts/deliver.ts";
import type { Announce } from "../alerts/outbox.ts";
import { beginEvidence, endEvidence } from "../evidence/keep.ts";
import { allEnded } from "../jobs/containment/run-contained.ts";
import { toIso } from "../lib/clock.ts";
import { EXIT, messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { asSentence } from "../lib/text.ts";
import { recoverJobs } from "../queue/recover.ts";
import { agingNow } from "../rails/budget-time.ts";
import { type Kill, Killed } from "../rails/halt.ts";
import { announceKill, readStop } from "../rails/kill.ts";
import { recoverCalls } from "../rails/recover.ts";
import { refuseForeignSchema } from "../store/migrate.ts";
import type { Trx } from "../store/schema.ts";
import { endProcessesOfOthers } from "./job/processes.ts";
import { retryOf } from "./job/record-end.ts";
import type { Parts } from "./parts.ts";
import { type Drained, drain } from "./phases/drain.ts";
import { enqueueDue, nextDueAt } from "./phases/enqueue-due.ts";
import { publishOutputs } from "./phases/publish-outputs.ts";
import { reportWedged } from "./phases/report-wedged.ts";
import { sweepRecords } from "./phases/retention.ts";
import { checkCounters, checkDisk } from "./phases/self-check.ts";
import { createPulse, PING_TIMEOUT_MS, type Pulse } from "./ping/ping.ts";
import { beatOf, type Ended, rememberPing } from "./ping/tick-report.ts";
import { beginTick, endTick, type TickRecord } from "./tick-record.ts";

/** How long alerts may take to get out, at each end of a tick; and when the kill switch was set in the middle of it. */
const PAGER_MS = 20_000;
const PAGER_KILLED_MS = 1_000;

/** What one tick did. Money in micro-dollars. */
export interface TickResult extends TickRecord {
  /** Names of the files that were published in `out/`. */
  outputs: string[];
  exitCode: number;
}

/**
 * One bounded pass. The caller holds the lock. `runner` identifies the lock holder in claims and the ledger.
 * Throws only when the store cannot be used; everything else is an outcome.
 */
export async function runTick(
  parts: Parts,
  runner: string,
  options: { byHand?: boolean } = {},
): Promise<TickResult> {
  // A loop has its database open for weeks: what was added to it meanwhile would change what statements do.
  await refuseForeignSchema(parts.store.db);
  const id = newId(parts.clock.nowMs(), parts.randomness);
  const log = parts.log.child({ tick: id });
  const isAfterCrash = await beginTick(parts, id, options.byHand ?? false);
  log.event("info", "tick_started", { version: parts.version, byHand: options.byHand ?? false });
  const release = parts.rails.watch.hold("idle");
  const pulse = createPulse(parts.config.heartbeat, log, parts.rails.watch.terminated);
  let isFit = true;
  let wasStopped = false;
  let leftovers: Promise<void> = Promise.resolve();
  const drained: Drained = {
    outcome: "idle",
    reason: null,
    units: 0,
    outputs: [],
    unwritable: null,
    exitCode: EXIT.ok,
  };
  try {
    await checkCounters(parts, isAfterCrash);
    await beginEvidence(parts);
    // 1. Stop. A killed agent starts nothing, but its pager still works.
    const kill = await readStop(parts.rails);
    wasStopped = kill !== null;
    if (kill !== null) await seeKill(parts, log, kill, drained);
    else pulse.begin();
    // 2. What an earlier run left: word of its end, programs, alerts and files that committed and did not get out. The alerts
    // go beside the work: a receiver that hangs delays no model call, nor the end of a tick that is killed meanwhile.
    await reportWedged(parts);
    await endProcessesOfOthers(parts, log, { tick: id, runner });
    const { terminated, signal } = parts.rails.watch;
    leftovers = deliver(parts, log, PAGER_MS, kill === null ? signal : terminated);
    // Where the one before did not end they go first: it may have been a file that ended it, and would end this one too.
    if (isAfterCrash) await leftovers;
    await publishOutputs(parts, drained);
    if (kill === null && !(await checkDisk(parts))) {
      isFit = false;
      Object.assign(drained, { outcome: "halted", reason: "the disk is nearly full" });
    } else if (kill === null) {
      parts.guard?.setAtWork(true);
      // 3. What an earlier run left behind: its calls and its jobs.
      await recover(parts, log, runner, id);
      // 4. What is due.
      await enqueueDue(parts);
      // 5. The work.
      await drain(parts, { tick: id, runner }, drained);
    }
    // The work is done and kept; but who waits for it gets nothing.
    if (drained.unwritable !== null && (drained.outcome === "ok" || drained.outcome === "idle")) {
      const reason = `nothing can be written into ${parts.config.paths.out}: ${drained.unwritable}`;
      Object.assign(drained, { outcome: "failed", reason, exitCode: EXIT.failed });
    }
  } catch (error) {
    Object.assign(drained, { outcome: "failed", reason: messageOf(error), exitCode: EXIT.failed });
    await parts.store.atomically((trx) => tellFailed(trx, parts.outbox.announce, id, error));
  } finally {
    await allEnded();
    parts.guard?.setAtWork(false);
    release();
    await leftovers;
  }
  // 6. The record, the pager, and the broom.
  const record = await endTick(parts, id, { ...drained, nextDueAt: await nextDueAt(parts) });
  const { tick: _tick, startedAt, finishedAt, nextDueAt: dueAt, ...figures } = record;
  log.event(drained.outcome === "failed" ? "error" : "info", "tick_finished", {
    ...figures,
    durationMs: finishedAt - startedAt,
    nextDueAt: dueAt === null ? null : toIso(dueAt),
  });
  await endEvidence(parts, record);
  const isKilled = parts.rails.watch.signal.aborted;
  const { outputs, exitCode } = drained;
  await Promise.all([
    deliver(parts, log, isKilled ? PAGER_KILLED_MS : PAGER_MS),
    pingEnd(
      parts,
      log,
      pulse,
      { record, outputs, exitCode, isFit },
      isKilled ? PAGER_KILLED_MS : PING_TIMEOUT_MS,
    ),
  ]);
  // A kill in the middle of a tick leaves the broom to the next one: the process must be gone.
  if (wasStopped || !parts.rails.watch.signal.aborted) await sweepRecords(parts);
  // Pager, ping and broom tell of what goes wrong with them and let the tick end; a disk that failed ends it otherwise.
  parts.store.health.refuseBroken();
  return { ...record, outputs, exitCode };
}

async function seeKill(parts: Parts, log: Parts["log"], kill: Kill, drained: Drained): Promise<void> {
  await parts.store.atomically((trx) => announceKill(trx, parts.outbox.announce, kill));
  log.event("warn", "kill_seen", { by: kill.by, reason: kill.reason });
  Object.assign(drained, { outcome: "halted", reason: new Killed(kill).message });
}

async function recover(parts: Parts, log: Parts["log"], runner: string, tick: string): Promise<void> {
  const calls = await recoverCalls(parts.rails, runner);
  const by = { runner, tick, retryOf: (name: string) => retryOf(parts, name) };
  const jobs = await parts.store.atomically((trx) =>
    recoverJobs(trx, parts.outbox.announce, by, parts.clock.nowMs(), parts.randomness),
  );
  if (jobs + calls.unknown + calls.released > 0) log.event("warn", "recovered", { jobs, calls });
}

/**
 * The pager is not the work: a kill switch does not silence it, but it gets little time then, since the process must be
 * gone. What goes wrong with it is told in the log and tried again by the next tick.
 */
async function deliver(
  parts: Parts,
  log: Parts["log"],
  limitMs: number,
  signal = parts.rails.watch.terminated,
): Promise<void> {
  try {
    const { config, store, clock } = parts;
    const agingMs = await agingNow(store.db, clock);
    await deliverAlerts({ store, channels: config.alerts, clock, agingMs, log, signal, limitMs });
  } catch (error) {
    log.event("error", "alert_failed", { error: messageOf(error) });
  }
}

/**
 * Off the machine too, on real progress only: it is the end of a tick that pings. A process that is told to end says
 * nothing: the next tick will, and if none comes, that is what the service is for.
 */
async function pingEnd(
  parts: Parts,
  log: Parts["log"],
  pulse: Pulse,
  ended: Omit<Ended, "kill">,
  timeoutMs: number,
): Promise<void> {
  const { config, rails } = parts;
  if (config.heartbeat.pingUrl === null || rails.watch.terminated.aborted) return;
  try {
    const kill = await readStop(rails);
    const beat = await beatOf(parts, { ...ended, kill });
    if (beat === null) return;
    const error = await pulse.end(beat, { timeoutMs });
    await rememberPing(parts, error !== null);
  } catch (error) {
    log.event("warn", "ping_failed", { style: config.heartbeat.style, error: messageOf(error) });
  }
}

async function tellFailed(trx: Trx, announce: Announce, id: string, error: unknown) {
  await announce(trx, {
    event: "tick_failed",
    title: "A tick failed",
    message: `${asSentence(messageOf(error))} Look: afk logs --tick ${id}`,
    key: `tick_failed:${id}`,
    tick: id,
  });
}
