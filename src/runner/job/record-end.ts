import type { Config, RetryConfig } from "../../config/config.ts";
import { DEFAULT_RETRY } from "../../config/jobs.ts";
import { saveResult } from "../../delivery/results.ts";
import { SourcesDown } from "../../jobs/job.ts";
import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT, messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { ModelUnavailable } from "../../providers/chain.ts";
import { noteRefusals, type RunCalls } from "../../providers/refusals.ts";
import { causeOf } from "../../queue/dead-letter.ts";
import { askedWaitMs, type FailOutcome, type Failure, fail, unclaim } from "../../queue/fail.ts";
import { EXPECTATION_MISSED, type JobRow, LeaseLost } from "../../queue/job.ts";
import { forgetAttempt } from "../../queue/steps.ts";
import { wait } from "../../queue/wait.ts";
import { probeAt, probeBy } from "../../rails/breaker.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import { CapReached, isHalt, RunCapped } from "../../rails/halt.ts";
import { periodsAt } from "../../rails/windows.ts";
import { isDiskFull, StoreRefused } from "../../store/errors.ts";
import type { Trx } from "../../store/schema.ts";
import { afterCommit } from "../../store/store.ts";
import type { Uses } from "../dependencies.ts";
import { askAboutCap } from "../questions/cap-question.ts";
import { deathReport } from "./report-of.ts";
import { reportSources } from "./report-sources.ts";

/** What became of an attempt that did not end with the job done. */
export type Unfinished =
  /** A rail stopped it; it is ready again and its attempt is not counted. */
  | { type: "halted"; reason: Error }
  | { type: "failed"; error: unknown; exitCode: number; isDead: boolean }
  | { type: "lost" };

/** The attempt that ended. */
export interface Ended {
  tick: string;
  log: Log;
  calls: RunCalls;
}

type EndDependencies = Uses<"store" | "outbox" | "sender" | "clock" | "config" | "randomness">;

/** Writes down how an attempt ended that threw `error`: the job waits, is tried again, or is dead. */
export async function recordEnd(
  dependencies: EndDependencies,
  job: JobRow,
  ended: Ended,
  error: unknown,
): Promise<Unfinished> {
  try {
    if (error instanceof LeaseLost) throw error;
    if (error instanceof StoreRefused) {
      // No fault of the job: it is given back if there is room for that once the ballast is gone, and else recovered later.
      if (isDiskFull(error)) await giveBack(dependencies, job, error);
      throw error;
    }
    if (isHalt(error)) {
      await giveBack(dependencies, job, error, ended);
      const { name, attempts: attempt } = job;
      ended.log.event("warn", "job_failed", { name, error: error.message, attempt, counted: false });
      return { type: "halted", reason: error };
    }
    const outcome = await recordFailure(dependencies, job, ended, error);
    const exitCode = error instanceof AfkError && error.exitCode !== EXIT.ok ? error.exitCode : EXIT.failed;
    return { type: "failed", error, exitCode, isDead: outcome.state === "dead" };
  } catch (lost) {
    if (!(lost instanceof LeaseLost)) throw lost;
    ended.log.event("warn", "job_failed", { name: job.name, error: lost.message, attempt: job.attempts });
    return { type: "lost" };
  }
}

/** How afk.yaml says that the job is tried again; a job that was taken out of it since has the usual numbers. */
export function retryOf(config: Config, name: string): RetryConfig {
  return config.jobs.find((entry) => entry.name === name)?.retry ?? DEFAULT_RETRY;
}

/** Which models have refused all that the run asked: reported in the transaction that ends it, however it ended. */
export async function reportRefusals(
  { outbox, clock, config }: Uses<"outbox" | "clock" | "config">,
  trx: Trx,
  job: JobRow,
  { tick, calls }: Pick<Ended, "tick" | "calls">,
): Promise<void> {
  if (calls.byModel.size === 0) return;
  const { day } = periodsAt(await peekBudgetNow(trx, clock), config.timezone);
  const { name, key } = job;
  await noteRefusals(trx, outbox.announce, { calls, name, key, tick, day, nowMs: clock.nowMs() });
}

/** The word of a run that failed for good, for its receivers: in the transaction that ends it. */
export async function saveDeath(
  { config, outbox, sender, clock }: Uses<"config" | "outbox" | "sender" | "clock">,
  trx: Trx,
  job: JobRow,
  error: string,
): Promise<void> {
  const { deliver: receivers = [] } = config.jobs.find(({ name }) => name === job.name) ?? {};
  const told = deathReport(job, error, outbox.redact);
  const { timezone } = config;
  const kept = { run: job, outcome: "dead", told, receivers, timezone, nowMs: clock.nowMs() } as const;
  if ((await saveResult(trx, kept)) > 0) afterCommit(trx, sender.wake);
}

/** Makes the job ready again, at once unless the error asks for a wait, its attempt not counted; with what the models refused, where `ended` is given. */
async function giveBack(
  dependencies: EndDependencies,
  job: JobRow,
  error: AfkError,
  ended: Ended | null = null,
): Promise<void> {
  const { store, outbox, clock } = dependencies;
  const { message, retry } = error;
  const nowMs = clock.nowMs();
  await store.atomically(async (trx) => {
    const askedUntil = await askAfterCap(dependencies, trx, job, error);
    const runAt = askedUntil ?? nowMs + (askedWaitMs(retry) ?? 0);
    await unclaim(trx, job, outbox.redact(message), runAt, nowMs);
    if (ended !== null) await reportRefusals(dependencies, trx, job, ended);
  });
}

/** Asks a person, where afk.yaml says so, whether the run may go on past a cap of its job. Gives until when it waits; null where it does not. */
async function askAfterCap(
  { config, outbox, clock }: Uses<"config" | "outbox" | "clock">,
  trx: Trx,
  { name }: JobRow,
  error: AfkError,
): Promise<number | null> {
  const isAsking = config.jobs.some((entry) => entry.name === name && entry.onCap === "ask");
  const refusal = error instanceof CapReached || error instanceof RunCapped ? error.refusal : null;
  if (!isAsking || refusal === null) return null;
  return await askAboutCap(trx, outbox.announce, refusal, clock.nowMs());
}

async function recordFailure(
  dependencies: EndDependencies,
  job: JobRow,
  ended: Ended,
  error: unknown,
): Promise<FailOutcome> {
  const { store, clock, outbox, config, randomness } = dependencies;
  const nowMs = clock.nowMs();
  const { tick, log } = ended;
  const text = outbox.redact(messageOf(error));
  const known = error instanceof AfkError ? error : null;
  const failure: Failure = {
    error: text,
    cause: known?.code ?? causeOf(text),
    retry: known?.retry ?? "later",
    tick,
  };
  const isOutage = known?.exitCode === EXIT.unavailable;
  const how = { nowMs, retry: retryOf(config, job.name), randomness };
  const settle = async (trx: Trx): Promise<FailOutcome> => {
    await reportRefusals(dependencies, trx, job, ended);
    if (!isOutage) {
      const failed = await fail(trx, outbox.announce, job, failure, how);
      // A dead one keeps it for people to look at.
      if (failure.cause === EXPECTATION_MISSED && failed.state === "ready") await forgetAttempt(trx, job);
      return failed;
    }
    if (error instanceof SourcesDown) {
      const { sources } = error;
      const report = { ...job, tick, sources, nowMs, timezone: config.timezone, isWaiting: true };
      await reportSources(trx, outbox.announce, report);
    }
    if (!(error instanceof ModelUnavailable)) return await wait(trx, outbox.announce, job, failure, how);
    // Before the probe, the models would not be asked; and at the end of the wait they are asked once more.
    const askedAt = await probeAt(trx, error.dependencies);
    const retry = askedAt === null ? failure.retry : { afterMs: askedAt - nowMs };
    const waits = await wait(trx, outbox.announce, job, { ...failure, retry }, how);
    if (waits.state === "ready" && waits.isLast) await probeBy(trx, error.dependencies, waits.runAt);
    return waits;
  };
  const outcome = await store.atomically(async (trx) => {
    const settled = await settle(trx);
    if (settled.state === "dead") await saveDeath(dependencies, trx, job, text);
    return settled;
  });
  log.event(isOutage && outcome.state === "ready" ? "warn" : "error", "job_failed", {
    name: job.name,
    error: messageOf(error),
    attempt: job.attempts,
    ...(isOutage && { counted: false, waitingSince: toIso(job.waiting_since ?? nowMs) }),
    ...(outcome.state === "ready" && { retryInMs: outcome.runAt - nowMs }),
  });
  return outcome;
}
