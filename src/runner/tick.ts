import { dropRemoved } from "../delivery/deliver.ts";
import { beginEvidence, endEvidence } from "../evidence/keep.ts";
import { allEnded } from "../jobs/containment/run-contained.ts";
import { toIso } from "../lib/clock.ts";
import { readStop } from "../rails/kill.ts";
import type { Dependencies, WorkIds } from "./dependencies.ts";
import { removeHomes } from "./job/folder.ts";
import { allClosed } from "./job/gateway.ts";
import { endProcessesOfOthers } from "./job/processes.ts";
import { drain } from "./phases/drain.ts";
import { enqueueDue, nextDueAt } from "./phases/enqueue-due.ts";

import { publishOutputs } from "./phases/publish-outputs.ts";
import { recover, reportKill } from "./phases/recover.ts";
import { reportWedged } from "./phases/report-wedged.ts";
import { type PhaseResult, reportFailed, summarize } from "./phases/result.ts";
import { applyRetention } from "./phases/retention.ts";
import { checkCounters, checkDisk } from "./phases/self-check.ts";
import { createPing, type Ping } from "./ping/ping.ts";
import { pingTick } from "./ping/tick-report.ts";
import { SETTLE_KILLED_MS, SETTLE_MS } from "./sender.ts";
import { beginTick, endTick, type TickRecord } from "./tick-record.ts";

/** What one tick did. Money in micro-dollars. */
export interface TickResult extends TickRecord {
  /** Paths of the files that were published in `out/`. */
  outputs: string[];
  exitCode: number;
}

/**
 * One bounded pass. The caller holds the lock. `runner` identifies the lock holder in claims and the ledger.
 * Throws only when the store cannot be used; everything else is an outcome.
 */
export async function runTick(
  given: Dependencies,
  runner: string,
  { byHand = false }: { byHand?: boolean } = {},
): Promise<TickResult> {
  const { config, rails, sender, store, version } = given;
  // A loop has its database open for weeks: what was added to it meanwhile would change what statements do.
  await store.health.refuseForeign();
  const { tick, isAfterCrash } = await beginTick(given, byHand);
  const log = given.log.child({ tick });
  const dependencies = { ...given, log };
  log.event("info", "tick_started", { version, byHand });
  const ping = createPing(config.heartbeat, log, rails.watch.terminated);
  const results = await work(dependencies, { tick, runner }, { isAfterCrash, ping });
  const summary = summarize(results, config.paths.out);
  // 6. The record, the evidence, the alerts and the ping.
  const record = await endTick(dependencies, tick, { ...summary, nextDueAt: await nextDueAt(dependencies) });
  const { tick: _tick, startedAt, finishedAt, nextDueAt: dueAt, ...figures } = record;
  log.event(summary.outcome === "failed" ? "error" : "info", "tick_finished", {
    ...figures,
    durationMs: finishedAt - startedAt,
    nextDueAt: dueAt === null ? null : toIso(dueAt),
  });
  await endEvidence(dependencies, record);
  const { outputs, exitCode, wasStopped, isFit } = summary;
  const result = { ...record, outputs, exitCode };
  const isKilled = rails.watch.signal.aborted;
  await Promise.all([
    sender.settled(isKilled ? SETTLE_KILLED_MS : SETTLE_MS),
    pingTick(dependencies, ping, { ...result, isFit }, isKilled),
  ]);
  // 7. Retention. A kill in the middle of a tick leaves it to the next one: the process must be gone.
  if (wasStopped || !rails.watch.signal.aborted) await applyRetention(dependencies, runner);
  // Alerts, ping and retention log what goes wrong with them and let the tick end; a disk that failed ends it otherwise.
  store.health.refuseBroken();
  return result;
}

/** The phases up to the end of the work. An error ends them and is a result as well: what was done before it counts. */
async function work(
  dependencies: Dependencies,
  ids: WorkIds,
  { isAfterCrash, ping }: { isAfterCrash: boolean; ping: Ping },
): Promise<PhaseResult[]> {
  const { setAtWork, rails, sender } = dependencies;
  const release = rails.watch.hold("idle");
  const releaseSender = sender.hold();
  const results: PhaseResult[] = [];
  try {
    const { config, log } = dependencies;
    await sender.takeOver();
    await dropRemoved(dependencies);
    await checkCounters(dependencies, isAfterCrash);
    await beginEvidence(dependencies);
    // 1. The kill switch. A killed agent starts nothing, but its alerts still go out.
    const kill = await readStop(rails);
    if (kill === null) ping.start();
    else results.push(await reportKill(dependencies, kill));
    // 2. What an earlier run left: word of its end, programs, alerts and files that committed and did not get out. Whatever is
    // to be sent goes beside the work: a receiver that hangs delays no model call.
    await reportWedged(dependencies);
    await endProcessesOfOthers(dependencies, ids);
    removeHomes(config.paths, log);
    sender.wake();
    // Where the one before did not end they go first: it may have been a file that ended it, and would end this one too.
    if (isAfterCrash) await sender.settled(SETTLE_MS);
    results.push(await publishOutputs(dependencies));
    if (kill !== null) {
      await sender.settled(SETTLE_MS);
      return results;
    }
    const disk = await checkDisk(dependencies);
    results.push(disk);
    if (disk.isFit === false) return results;
    setAtWork?.(true);
    // 3. What an earlier run left behind: its calls and its jobs.
    await recover(dependencies, ids);
    // 4. What is due.
    await enqueueDue(dependencies);
    // 5. The jobs.
    const canPublish = results.every(({ unwritable = null }) => unwritable === null);
    for await (const result of drain(dependencies, ids, canPublish)) results.push(result);
  } catch (error) {
    results.push(await reportFailed(dependencies, ids.tick, error));
  } finally {
    await allEnded();
    await allClosed();
    setAtWork?.(false);
    release();
    releaseSender();
  }
  return results;
}
