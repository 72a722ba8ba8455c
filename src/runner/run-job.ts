import type { Announce } from "../alerts/outbox.ts";
import type { JobResult } from "../jobs/job.ts";
import { systemClock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { AfkError, EXIT, messageOf, type Retry } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { joinSignals } from "../lib/signals.ts";
import { claim } from "../queue/claim.ts";
import { complete } from "../queue/complete.ts";
import { extend } from "../queue/extend.ts";
import { fail, unclaim } from "../queue/fail.ts";
import { type JobRow, LEASE_MS, LeaseLost, PermanentFailure } from "../queue/job.ts";
import { saveOutputs } from "../queue/publish.ts";
import { isHalt } from "../rails/halt.ts";
import { isDiskFull, StoreRefused } from "../store/errors.ts";
import type { Trx } from "../store/schema.ts";
import { createContext, type Pending } from "./context.ts";
import type { Parts } from "./parts.ts";
import { rememberSeen } from "./seen.ts";
import { tellSources } from "./tell-sources.ts";

/** How long a job may go on after its signal aborted; then it is left behind, and its writes find the claim gone. */
const GRACE_MS = 1_000;

/** What became of one attempt. */
export type Attempt =
  /** `next` was claimed in the commit that made this one done. */
  | { type: "done"; units: number; outputs: string[]; next: JobRow | undefined }
  /** A rail stopped it; it is ready again and its attempt is not counted. */
  | { type: "halted"; reason: Error }
  | { type: "failed"; error: unknown; exitCode: number; isDead: boolean }
  | { type: "lost" };

/**
 * Runs one claimed job to its end, whatever that is, and writes the end down. When it is done and `goesOn` says so, the
 * next one is claimed with it. Throws only when the store does.
 */
export async function runJob(
  parts: Parts,
  job: JobRow,
  ids: { tick: string; runner: string },
  goesOn: () => boolean,
): Promise<Attempt> {
  const log = parts.log.child({ tick: ids.tick, job: job.key });
  log.event("info", "job_started", { name: job.name, kind: job.kind, attempt: job.attempts });
  const stop = new AbortController();
  using joined = joinSignals([stop.signal, parts.rails.watch.signal]);
  try {
    const { kind, entry } = find(parts, job);
    const { context, pending } = createContext(parts, { job, entry, ...ids, signal: joined.signal, log });
    const lease = keepLease(parts, job, entry.timeoutMs, stop);
    try {
      const result = await orAborted(kind.run(context), joined.signal);
      // Nothing may stop between a finished job and its record but a lost lease, which the record itself sees.
      const { outputs, next } = await record(parts, job, ids, { result, pending, goesOn });
      log.event("info", "job_done", {
        name: job.name,
        units: result.units,
        summary: result.summary,
        outputs,
      });
      return { type: "done", units: result.units, outputs, next };
    } finally {
      lease.abort();
    }
  } catch (error) {
    return await recordEnd(parts, job, ids.tick, log, joined.signal.aborted ? joined.signal.reason : error);
  }
}

/** How long until a running job is looked at again: often enough for its lease, and when its time is up. */
export function nextLookMs(timeoutMs: number, elapsedMs: number): number {
  return Math.max(1, Math.min(LEASE_MS / 3, timeoutMs - elapsedMs));
}

function find(parts: Parts, job: JobRow) {
  const kind = parts.kinds.find((candidate) => candidate.kind === job.kind);
  const entry = parts.config.jobs.find((candidate) => candidate.name === job.name);
  if (kind === undefined || entry === undefined || entry.kind !== job.kind) {
    throw new PermanentFailure(
      "unknown_job",
      `afk.yaml has no job named ${job.name} of kind ${job.kind}; put it back and: afk dead retry ${job.key}`,
    );
  }
  return { kind, entry };
}

/** Renews the lease while the job runs, and ends the job when it takes too long or the lease is lost. Real time. */
function keepLease(parts: Parts, job: JobRow, timeoutMs: number, stop: AbortController): AbortController {
  const done = new AbortController();
  const startedMs = systemClock.uptimeMs();
  const renew = async () => {
    while (!done.signal.aborted) {
      await systemClock.sleep(nextLookMs(timeoutMs, systemClock.uptimeMs() - startedMs), done.signal);
      if (systemClock.uptimeMs() - startedMs >= timeoutMs) {
        stop.abort(
          new AfkError("job_timeout", `job ${job.key} took longer than its limit of ${timeoutMs / 1_000} s`),
        );
      } else if (!(await parts.store.transaction((trx) => extend(trx, job, parts.clock.nowMs())))) {
        stop.abort(new LeaseLost(job));
      }
    }
  };
  renew().catch((error: unknown) => {
    // The sleep ends by its signal when the job is done; anything else means that the lease cannot be kept.
    if (!done.signal.aborted) stop.abort(error);
  });
  return done;
}

/** The job's own result, or the abort reason once the job has had its grace to obey the signal. */
async function orAborted(running: Promise<JobResult>, signal: AbortSignal): Promise<JobResult> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const give = () =>
      void systemClock.sleep(GRACE_MS, settled.signal).then(
        () => reject(signal.reason),
        () => undefined,
      );
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
  });
  try {
    return await Promise.race([running, aborted]);
  } finally {
    settled.abort();
  }
}

/**
 * Done, its files, its memories, its drafts and what is told of its sources: one transaction. So is the claim of the job
 * that follows, which spares a wait for the disk; a crash behind it is one in the middle of that job, as any other.
 */
async function record(
  parts: Parts,
  job: JobRow,
  { tick, runner }: { tick: string; runner: string },
  { result, pending, goesOn }: { result: JobResult; pending: Pending; goesOn: () => boolean },
): Promise<{ outputs: string[]; next: JobRow | undefined }> {
  return await parts.outbox.transaction(async (trx, announce) => {
    const nowMs = parts.clock.nowMs();
    await complete(trx, job, result.units, nowMs);
    const outputs = await saveOutputs(trx, job.id, pending.files, nowMs);
    await rememberSeen(trx, job.name, pending.seen, nowMs);
    await saveDrafts(trx, announce, job, pending, nowMs);
    const { name, key } = job;
    const { timezone } = parts.config;
    await tellSources(trx, announce, { name, key, tick, sources: result.sources ?? [], nowMs, timezone });
    return { outputs, next: goesOn() ? await claim(trx, runner, nowMs) : undefined };
  });
}

async function saveDrafts(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  pending: Pending,
  nowMs: number,
): Promise<void> {
  for (const draft of pending.drafts) {
    const id = newId(nowMs);
    await trx
      .insertInto("drafts")
      .values({
        id,
        job_id: job.id,
        name: draft.name,
        action: draft.action,
        content: JSON.stringify(draft.content),
        state: "pending",
        created_at: nowMs,
      })
      .execute();
    await announce({
      event: "draft_pending",
      title: `${job.name} asks for your approval`,
      message: `The action "${draft.action}" (${draft.name}) was written down and not done. Look: afk drafts show ${id}`,
      key: `draft_pending:${id}`,
      job: job.key,
    });
  }
}

async function recordEnd(
  parts: Parts,
  job: JobRow,
  tick: string,
  log: Parts["log"],
  error: unknown,
): Promise<Attempt> {
  const { redact } = parts.outbox;
  try {
    const nowMs = parts.clock.nowMs();
    if (error instanceof LeaseLost) throw error;
    if (error instanceof StoreRefused) return await storeFailed(parts, job, error);
    if (isHalt(error) || isUntried(error)) {
      const runAt = nowMs + (isHalt(error) ? 0 : waitOf(error.retry));
      await parts.store.transaction((trx) => unclaim(trx, job, redact(error.message), runAt, nowMs));
      log.event("warn", "job_failed", {
        name: job.name,
        error: error.message,
        attempt: job.attempts,
        counted: false,
      });
      return isHalt(error)
        ? { type: "halted", reason: error }
        : { type: "failed", error, exitCode: error.exitCode, isDead: false };
    }
    const retry: Retry = error instanceof AfkError ? error.retry : "later";
    const outcome = await parts.outbox.transaction((trx, announce) =>
      fail(trx, announce, job, { error: redact(messageOf(error)), retry, tick }, nowMs, parts.randomness),
    );
    const retryInMs = outcome.state === "ready" ? { retryInMs: outcome.runAt - nowMs } : {};
    log.event("error", "job_failed", {
      name: job.name,
      error: messageOf(error),
      attempt: job.attempts,
      ...retryInMs,
    });
    const exitCode = error instanceof AfkError && error.exitCode !== EXIT.ok ? error.exitCode : EXIT.failed;
    return { type: "failed", error, exitCode, isDead: outcome.state === "dead" };
  } catch (lost) {
    if (!(lost instanceof LeaseLost)) throw lost;
    log.event("warn", "job_failed", { name: job.name, error: lost.message, attempt: job.attempts });
    return { type: "lost" };
  }
}

/**
 * The state could not be written, which is no fault of the job: it is given back if there is room for that much once
 * the ballast is gone, and else left to be recovered. Then the tick ends.
 */
async function storeFailed(parts: Parts, job: JobRow, error: StoreRefused): Promise<never> {
  if (isDiskFull(error)) {
    const nowMs = parts.clock.nowMs();
    await parts.store.transaction((trx) =>
      unclaim(trx, job, parts.outbox.redact(error.message), nowMs, nowMs),
    );
  }
  throw error;
}

/** Every model was left alone by its breaker: nothing was tried, so there was no attempt. */
function isUntried(error: unknown): error is AfkError {
  return error instanceof AfkError && error.exitCode === EXIT.unavailable;
}

function waitOf(retry: Retry): number {
  return typeof retry === "object" ? retry.afterMs : MINUTE_MS;
}
