import type { JobConfig } from "../../config/config.ts";
import { remotesOf } from "../../config/remote.ts";
import { saveResult } from "../../delivery/results.ts";
import { openJudge } from "../../jobs/expect/judge.ts";
import type { JobResult, RunGateway } from "../../jobs/job.ts";
import { savePrinted } from "../../jobs/printed-items.ts";
import { systemClock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { AfkError, EXIT, messageOf } from "../../lib/errors.ts";
import { newId, shortId } from "../../lib/ids.ts";
import type { Log } from "../../lib/log.ts";
import { joinSignals } from "../../lib/signals.ts";
import { collectCalls, type RunCalls } from "../../providers/refusals.ts";
import { claim } from "../../queue/claim.ts";
import { complete } from "../../queue/complete.ts";
import { extend } from "../../queue/extend.ts";
import { type JobRow, LEASE_MS, PermanentFailure } from "../../queue/job.ts";
import { saveOutputs } from "../../queue/publish.ts";
import type { Trx } from "../../store/schema.ts";
import { afterCommit } from "../../store/store.ts";
import type { Dependencies, Uses, WorkIds, Writing } from "../dependencies.ts";
import { askAboutDraft } from "../questions/draft-question.ts";
import { endWhenIdle, followActivity } from "./activity.ts";
import { createContext, type Drafted, type Pending } from "./context.ts";
import { refuseMissed } from "./expectation.ts";
import { enqueueFollowing } from "./following.ts";
import { keepInMemory } from "./memory.ts";
import { nothingToDo } from "./only-if.ts";
import { recordEnd, reportRefusals, type Unfinished } from "./record-end.ts";
import { reportOf } from "./report-of.ts";
import { reportSources } from "./report-sources.ts";
import { hideIn, hideValues, readVariables } from "./run-secrets.ts";
import { rememberSeen } from "./seen.ts";
import { tellProgress } from "./tell-progress.ts";

/** How long a job may go on after its signal aborted; then it is left behind, and its writes find the claim gone. */
const GRACE_MS = 1_000;

/** What became of one attempt. */
export type Attempt =
  /** `next` was claimed in the commit that made this one done; an idle one found nothing to do. */
  { type: "done"; units: number; outputs: string[]; next: JobRow | undefined; isIdle: boolean } | Unfinished;

/**
 * Runs one claimed job to its end, whatever that is, and records the end. When it is done and `goesOn` says so, the
 * next one is claimed with it. Throws only when the store does.
 */
export async function runJob(
  given: Dependencies,
  job: JobRow,
  ids: WorkIds,
  goesOn: () => boolean,
): Promise<Attempt> {
  let dependencies = { ...given, log: given.log.child({ tick: ids.tick, job: job.key }) };
  dependencies.log.event("info", "job_started", { name: job.name, kind: job.kind, attempt: job.attempts });
  const stop = new AbortController();
  using joined = joinSignals([stop.signal, dependencies.rails.watch.signal]);
  const { signal } = joined;
  const calls = collectCalls();
  try {
    const { kind, entry, made } = await findEntry(dependencies, job);
    const { expect } = entry;
    const variables = readVariables(entry, made.config.paths.base);
    dependencies = hideValues(dependencies, variables);
    const { log } = dependencies;
    const judge = expect === undefined ? null : await openJudge(expect, made.config.paths.base);
    const activity = followActivity();
    const progress = tellProgress(dependencies, job, entry);
    const { context, pending, gateways } = createContext(
      { ...dependencies, ...made, onProgress: progress.onProgress },
      { job, entry, ...ids, signal, log, calls, activity, variables },
    );
    const lease = keepLease(dependencies, job, entry.timeoutMs, stop);
    const { name, idleMs } = entry;
    if (idleMs !== undefined) void endWhenIdle(activity, { name, idleMs }, stop, lease.signal);
    try {
      const look = { kind, onlyIf: entry.onlyIf, isByHand: job.by_hand === 1 };
      const idle = await orAborted(nothingToDo(look, context), signal);
      const result = idle ?? (await orAborted(kind.run(context), signal));
      await progress.end();
      if (idle === null)
        refuseMissed(judge, job.name, { result, files: pending.files, nowMs: dependencies.clock.nowMs() });
      // Nothing may stop between a finished job and its record but a lost lease, which the record itself sees.
      // Nobody waits for the word that there was nothing to do.
      const told = idle === null ? entry : { ...entry, deliver: [] };
      const done = { result, pending, calls, goesOn, entry: told, follows: idle === null };
      const { outputs, next } = await record(dependencies, job, ids, done);
      const { units, summary } = result;
      log.event("info", "job_done", { name: job.name, units, summary, outputs });
      return { type: "done", units, outputs, next, isIdle: idle !== null };
    } finally {
      lease.abort();
      await progress.end();
      // A job that was left behind may not have done so; the tick waits for their ends.
      for (const gateway of gateways) close(gateway, log);
    }
  } catch (error) {
    const ended = { tick: ids.tick, log: dependencies.log, calls };
    const reason: unknown = signal.aborted ? signal.reason : error;
    hideIn(reason, dependencies.outbox.redact);
    return await recordEnd(dependencies, job, ended, reason);
  }
}

function close(gateway: RunGateway, log: Log): void {
  Promise.resolve(gateway[Symbol.asyncDispose]()).catch((error: unknown) =>
    log.event("error", "gateway_failed", { error: messageOf(error) }),
  );
}

/**
 * What afk.yaml says of a job; one that it does not name may have been added since the tick began. Throws PermanentFailure, or what a
 * fleet's job waits by.
 */
async function findEntry(
  dependencies: Uses<"kinds" | "config" | "chain" | "egress" | "renew" | "rails">,
  job: JobRow,
) {
  const kind = dependencies.kinds.find((candidate) => candidate.kind === job.kind);
  const entryIn = ({ config }: Uses<"config">) =>
    config.jobs.find(({ name, kind }) => name === job.name && kind === job.kind);
  const made = entryIn(dependencies) === undefined ? await dependencies.renew() : dependencies;
  const entry = entryIn(made);
  if (kind === undefined || entry === undefined) {
    const found = `afk.yaml has no job named ${job.name} of kind ${job.kind}`;
    if (dependencies.rails.machine === null)
      throw new PermanentFailure("unknown_job", `${found}; put it back and: afk dead retry ${job.key}`);
    // Its file may be older than that of the machine which added it. Longer than a tick waits for a retry: one that has the job may take it.
    throw new AfkError("unknown_job", `${found} on this machine; all have to have the same`, {
      retry: { afterMs: 2 * MINUTE_MS },
      exitCode: EXIT.unavailable,
    });
  }
  return { kind, entry, made };
}

/** How long until a running job is checked again: often enough for its lease, and when its time is up. */
export function nextCheckMs(timeoutMs: number, elapsedMs: number): number {
  return Math.max(1, Math.min(LEASE_MS / 3, timeoutMs - elapsedMs));
}

/** Renews the lease while the job runs, and ends the job when it takes too long or the lease is lost. Real time. */
function keepLease(
  { store, clock }: Uses<"store" | "clock">,
  job: JobRow,
  timeoutMs: number,
  stop: AbortController,
): AbortController {
  const done = new AbortController();
  const startedMs = systemClock.uptimeMs();
  const renew = async () => {
    while (!done.signal.aborted) {
      await systemClock.sleep(nextCheckMs(timeoutMs, systemClock.uptimeMs() - startedMs), done.signal);
      if (systemClock.uptimeMs() - startedMs >= timeoutMs) {
        const message = `job ${job.key} took longer than its limit of ${timeoutMs / 1_000} s`;
        stop.abort(new AfkError("job_timeout", message));
      } else await store.atomically((trx) => extend(trx, job, clock.nowMs()));
    }
  };
  renew().catch((error: unknown) => {
    // The sleep ends by its signal when the job is done; anything else means that the lease is not kept.
    if (!done.signal.aborted) stop.abort(error);
  });
  return done;
}

/** The job's own result, or the abort reason once the job has had its grace to obey the signal. */
async function orAborted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
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
 * Done, its files, its memories, its drafts, its result with who gets it, the report on its sources and the jobs that follow: one transaction. So is the claim of the job
 * that follows, which spares a wait for the disk; a crash behind it is one in the middle of that job, as any other.
 */
async function record(
  dependencies: Writing & Uses<"sender" | "rails">,
  job: JobRow,
  { tick, runner }: WorkIds,
  done: {
    result: JobResult;
    pending: Pending;
    calls: RunCalls;
    goesOn: () => boolean;
    entry: JobConfig;
    follows: boolean;
  },
): Promise<{ outputs: string[]; next: JobRow | undefined }> {
  const { store, outbox, sender, rails, clock, config } = dependencies;
  const { result, pending, calls, entry } = done;
  const told = reportOf(job, result, pending, outbox.redact);
  return await store.atomically(async (trx) => {
    const nowMs = clock.nowMs();
    await complete(trx, job, result.units, nowMs);
    await savePrinted(trx, job, result.printed ?? [], nowMs);
    const outputs = await saveOutputs(trx, job.id, pending.files, nowMs, rails.machine?.id);
    for (const key of pending.seen) await rememberSeen(trx, { job_name: job.name, key, seen_at: nowMs });
    for (const [key, value] of pending.kept)
      await keepInMemory(trx, { job_name: job.name, key, value, updated_at: nowMs });
    for (const draft of pending.drafts) await saveDraft(trx, dependencies, job, draft, nowMs);
    const report = { ...job, tick, sources: result.sources ?? [], nowMs, timezone: config.timezone };
    await reportSources(trx, outbox.announce, report);
    await reportRefusals(dependencies, trx, job, { tick, calls });
    const kept = { run: job, outcome: "done", receivers: entry.deliver, timezone: config.timezone } as const;
    const added = await saveResult(trx, { ...kept, told: { ...told, files: outputs }, nowMs });
    if (added > 0) afterCommit(trx, sender.wake);
    const came = { units: result.units, summary: outbox.redact(result.summary), told, files: outputs };
    if (done.follows) await enqueueFollowing(trx, config.jobs, job, came, nowMs);
    return { outputs, next: done.goesOn() ? await claim(trx, runner, nowMs) : undefined };
  });
}

async function saveDraft(
  trx: Trx,
  { outbox: { announce, redact }, config }: Uses<"outbox" | "config">,
  job: JobRow,
  { name, action, content }: Drafted,
  nowMs: number,
): Promise<void> {
  const id = newId(nowMs);
  const draft = { id, job_id: job.id, name, action, content: JSON.stringify(content), created_at: nowMs };
  await trx
    .insertInto("drafts")
    .values({ ...draft, state: "pending" })
    .execute();
  await announce(trx, {
    event: "draft_pending",
    title: `${job.name} asks for your approval`,
    message: `The action "${action}" (${name}) was written down and not done. Look: afk drafts show ${shortId(id)}`,
    subject: "",
    occurrence: id,
    job: job.key,
  });
  if (remotesOf(config).length === 0) return;
  await askAboutDraft(trx, { id, job: job.name, name, action, content }, redact, nowMs);
}
