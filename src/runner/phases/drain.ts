import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { joinSignals } from "../../lib/signals.ts";
import { claim, nextRunAt } from "../../queue/claim.ts";
import { unclaim } from "../../queue/fail.ts";
import type { JobRow } from "../../queue/job.ts";
import type { Dependencies, Uses, WorkIds } from "../dependencies.ts";
import { type Attempt, runJob } from "../job/run-job.ts";
import { enqueueDue } from "./enqueue-due.ts";
import { publishOutputs } from "./publish-outputs.ts";
import { recover } from "./recover.ts";
import type { PhaseResult } from "./result.ts";
import { untilWork } from "./until-work.ts";

/** A tick claims no further job beyond these, and waits for a retry no longer than that. */
const JOBS_MAX = 100;
const TICK_MS = 50 * MINUTE_MS;
const RETRY_WAIT_MS = MINUTE_MS;
/** So much early, by the wall clock, a timer may end that was set for up to a minute. */
const EARLY_MS = 100;

/** A run that is over: what became of it, or the store's error that it met. */
type Ran = { job: JobRow } & ({ attempt: Attempt } | { error: unknown });

/** One tick's work on the queue, as far as it has got. */
interface Pass {
  dependencies: Dependencies;
  ids: WorkIds;
  /** By the uptime: a clock that is set back in the middle must not make the tick longer. */
  endsAt: number;
  /** How many jobs may run at a time. One lane less for each that met a job which was halted before. */
  lanes: number;
  running: Map<string, Promise<Ran>>;
  count: number;
  halted: Set<string>;
  failed: Map<string, { error: unknown; exitCode: number }>;
  verdict: PhaseResult["verdict"];
  canPublish: boolean;
  /** What the store refused: nothing more is begun. */
  broken: { error: unknown } | null;
}

/**
 * Claims and runs, `concurrency` jobs at a time, until nothing is due, a rail halts, or the tick's bounds are reached. What each
 * job did is a result, and so is how it all ended; what was done before an error has been handed out by then, and every job
 * that was begun has ended.
 * @param canPublish false when nothing can be written into `out/`: a disk that does not answer is waited for once a tick.
 */
export async function* drain(
  dependencies: Dependencies,
  ids: WorkIds,
  canPublish: boolean,
): AsyncGenerator<PhaseResult> {
  const { clock, config, rails } = dependencies;
  const pass: Pass = {
    dependencies,
    ids,
    endsAt: clock.uptimeMs() + TICK_MS,
    lanes: config.concurrency,
    running: new Map(),
    count: 0,
    halted: new Set(),
    failed: new Map(),
    verdict: undefined,
    canPublish,
    broken: null,
  };
  for (;;) {
    try {
      await fill(pass);
      if (pass.running.size === 0) break;
      const ran = await nextEnd(pass);
      if (ran !== null) yield* settle(pass, ran);
      else if (isFree(pass)) await addNew(pass);
    } catch (error) {
      // Those in the other lanes are waited for.
      pass.broken ??= { error };
    }
  }
  if (pass.broken !== null) throw pass.broken.error;
  const { signal } = rails.watch;
  if (signal.aborted) pass.verdict = { outcome: "halted", reason: messageOf(signal.reason) };
  const last = [...pass.failed.values()].at(-1);
  if (last !== undefined)
    pass.verdict = { outcome: "failed", reason: messageOf(last.error), exitCode: last.exitCode };
  if (pass.verdict !== undefined) yield { verdict: pass.verdict };
}

function goesOn({ dependencies: { clock, rails }, count, endsAt, broken }: Pass): boolean {
  return count < JOBS_MAX && clock.uptimeMs() < endsAt && !rails.watch.signal.aborted && broken === null;
}

function isFree(pass: Pass): boolean {
  return pass.running.size < pass.lanes && goesOn(pass);
}

/** Begins what is due in every free lane. Where nothing runs, a retry that falls due soon is waited for. */
async function fill(pass: Pass): Promise<void> {
  while (isFree(pass)) {
    let job = await claimDue(pass);
    if (job === undefined && pass.running.size === 0 && (await waitForRetry(pass)))
      job = await claimDue(pass);
    if (job === undefined) return;
    await begin(pass, job);
  }
}

/** Begins a claimed job, or gives it back where its turn has not come. */
async function begin(pass: Pass, job: JobRow): Promise<void> {
  const { dependencies, ids, halted, running } = pass;
  // The jobs behind one that was halted have had their turn: every one that is left is one that a rail stops, or that waits
  // for another of its name, whose lane goes on with it.
  const wasHalted = halted.has(job.id);
  if (wasHalted) pass.lanes -= 1;
  // The switch may have been set since the claim, which a guard that cannot start does too.
  if (wasHalted || !goesOn(pass)) return await giveBack(dependencies, job);
  pass.count += 1;
  const attempt = runJob(dependencies, job, ids, () => goesOn(pass));
  const ran = attempt.then(
    (attempt) => ({ job, attempt }),
    (error: unknown) => ({ job, error }),
  );
  running.set(job.id, ran);
}

/** Records the end of a run: what it did is a result. The job that was claimed with it takes its lane. */
async function* settle(pass: Pass, ran: Ran): AsyncGenerator<PhaseResult> {
  const { job } = ran;
  pass.running.delete(job.id);
  if ("error" in ran) throw ran.error;
  const { attempt } = ran;
  pass.failed.delete(job.id);
  if (attempt.type === "halted") {
    pass.halted.add(job.id);
    pass.verdict = { outcome: "halted", reason: attempt.reason.message };
  } else if (attempt.type === "failed") pass.failed.set(job.id, attempt);
  if (attempt.type !== "done") return;
  try {
    // A tick whose jobs had nothing to do was idle: it is no evidence of work that gives nothing.
    if (!attempt.isIdle) pass.verdict ??= { outcome: "ok", reason: null };
    yield { units: attempt.units };
    if (!pass.canPublish) return;
    const published = await publishOutputs(pass.dependencies);
    pass.canPublish = published.unwritable === null;
    yield published;
  } catch (error) {
    pass.broken ??= { error };
  } finally {
    if (attempt.next !== undefined) await begin(pass, attempt.next);
  }
}

/** The run that ends first; null where a lane is free and there may be something for it before that. */
async function nextEnd(pass: Pass): Promise<Ran | null> {
  const { dependencies, running } = pass;
  if (!isFree(pass)) return await Promise.race(running.values());
  const { store, clock, rails } = dependencies;
  const over = new AbortController();
  using joined = joinSignals([over.signal, rails.watch.signal]);
  const { signal } = joined;
  // Before the look at what waits: what comes behind that is then seen as new.
  const version = await store.changes.seen();
  const runAt = (await nextRunAt(store.db)) ?? Number.POSITIVE_INFINITY;
  const retryMs = Math.max(1, Math.min(RETRY_WAIT_MS, runAt - clock.nowMs()));
  // A changed configuration is the next tick's.
  const news = untilWork({ ...dependencies, hasNews: () => false }, signal, version);
  const retry = clock.sleep(retryMs, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  try {
    return await Promise.race([...running.values(), news.then(() => null), retry.then(() => null)]);
  } finally {
    over.abort();
  }
}

/** What a tick begins its work with, for a lane that is free while others take long. */
async function addNew({ dependencies, ids, running }: Pass): Promise<void> {
  await recover(dependencies, { ...ids, running: new Set(running.keys()) });
  // That the others ran for long is no absence.
  await enqueueDue(dependencies, () => null);
}

/** Ready again in its place, its attempt not counted: it was claimed and not begun. */
async function giveBack({ store, clock }: Uses<"store" | "clock">, job: JobRow): Promise<void> {
  const reason = job.error ?? "the tick ended before its turn";
  const { run_at: runAt } = job;
  await store.atomically((trx) => unclaim(trx, job, reason, runAt, clock.nowMs()));
}

/** A section only where there is something to claim: one that finds nothing would wake every other machine. */
async function claimDue({ dependencies: { store, clock }, ids }: Pass): Promise<JobRow | undefined> {
  const runAt = await nextRunAt(store.db);
  if (runAt === undefined || runAt > clock.nowMs()) return undefined;
  return await store.atomically((trx) => claim(trx, ids.runner, clock.nowMs()));
}

/** False where no retry falls due soon: a later one is the next tick's. */
async function waitForRetry({ dependencies, endsAt }: Pass): Promise<boolean> {
  const { store, clock, rails } = dependencies;
  const runAt = await nextRunAt(store.db);
  if (runAt === undefined) return false;
  const { signal } = rails.watch;
  const leftMs = () => runAt - clock.nowMs();
  const waitMs = Math.max(1, leftMs());
  if (waitMs > RETRY_WAIT_MS || clock.uptimeMs() + waitMs > endsAt) return false;
  // The sleep rejects when the kill switch is set; the caller looks at the signal next.
  await clock.sleep(waitMs, signal).catch(() => undefined);
  // Else it would have waited for nothing.
  const restMs = leftMs();
  if (restMs > 0 && restMs <= EARLY_MS) await clock.sleep(restMs + 1, signal).catch(() => undefined);
  return !signal.aborted;
}
