import type { Announce } from "../alerts/outbox.ts";
import type { RetryConfig } from "../config/config.ts";
import { DAY_MS } from "../lib/durations.ts";
import { messageOf, type Retry } from "../lib/errors.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Trx } from "../store/schema.ts";
import { deadLetter } from "./dead-letter.ts";
import { changeClaimed, type JobRow, UNCLAIMED } from "./job.ts";

/** As long as a breaker may stay open; what asks for more is asked again. */
const WAIT_MAX_MS = 30 * DAY_MS;
const ERROR_CHARS_MAX = 4_000;

/** How an attempt failed. */
export interface Failure {
  error: unknown;
  /** Names the cause where the error does not (causeOf in dead-letter.ts). */
  cause?: string;
  retry: Retry;
  tick: string | null;
}

/** The moment, and how the job is tried again. */
export interface FailHow {
  nowMs: number;
  retry: RetryConfig;
  randomness: Randomness;
}

/** Where a failed job went: ready again at `runAt`, or to the dead letters. */
export type FailOutcome = { state: "ready"; runAt: number } | { state: "dead" };

/**
 * Ends an attempt that failed. Dead at once when trying again cannot heal it, dead when the attempts are used up,
 * otherwise ready again after backoff, or after what the error itself asked for.
 * @throws LeaseLost when the claim is no longer the newest one.
 */
export async function fail(
  trx: Trx,
  announce: Announce,
  job: JobRow,
  failure: Failure,
  how: FailHow,
): Promise<FailOutcome> {
  const error = errorText(failure);
  const { nowMs } = how;
  if (failure.retry === "never" || job.attempts >= job.max_attempts) {
    const fate = `failed ${job.attempts} of ${job.max_attempts} times`;
    await deadLetter(trx, announce, job, { ...failure, error, fate, nowMs });
    return { state: "dead" };
  }
  const runAt = nowMs + (askedWaitMs(failure.retry) ?? backoffMs(job.attempts, how.retry, how.randomness));
  await giveBack(trx, job, { run_at: runAt, attempts: job.attempts, error, waiting_since: null }, nowMs);
  return { state: "ready", runAt };
}

/** A rail stopped the job, which is no fault of its own: ready again at `runAt`, and the attempt does not count. */
export async function unclaim(
  trx: Trx,
  job: JobRow,
  reason: string,
  runAt: number,
  nowMs: number,
): Promise<void> {
  const { attempts, waiting_since } = job;
  const error = reason.slice(0, ERROR_CHARS_MAX);
  await giveBack(trx, job, { run_at: runAt, attempts: attempts - 1, error, waiting_since }, nowMs);
}

/** What an error asks for is the word of a server, or of somebody's code: bounded, and ignored where it is no time. */
export function askedWaitMs(retry: Retry): number | null {
  if (typeof retry !== "object" || !Number.isFinite(retry.afterMs)) return null;
  return Math.min(Math.max(0, Math.ceil(retry.afterMs)), WAIT_MAX_MS);
}

/** The error as it is kept, cut to its bound. */
export function errorText({ error }: Pick<Failure, "error">): string {
  return messageOf(error).slice(0, ERROR_CHARS_MAX);
}

/** Makes a claimed job ready again. @throws LeaseLost */
export async function giveBack(
  trx: Trx,
  job: JobRow,
  to: Pick<JobRow, "run_at" | "attempts" | "error" | "waiting_since">,
  nowMs: number,
): Promise<void> {
  await changeClaimed(trx, job, { ...UNCLAIMED, ...to, state: "ready", updated_at: nowMs });
}

/**
 * How long to wait after the given attempt (1 for the first): a random share of the first wait doubled per attempt, up to
 * the longest. Full jitter spreads those that failed together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(attempt: number, retry: RetryConfig, randomness: Randomness): number {
  return shareOf(retry.firstMs * 2 ** Math.min(attempt - 1, 30), retry, randomness);
}

/** The same for what is down since `elapsedMs`, whose failures are not counted: as long again as it has lasted. */
export function outageBackoffMs(elapsedMs: number, retry: RetryConfig, randomness: Randomness): number {
  return shareOf(retry.firstMs + elapsedMs, retry, randomness);
}

function shareOf(ceilingMs: number, { maxMs }: RetryConfig, randomness: Randomness): number {
  return Math.ceil(randomness.random() * Math.min(maxMs, ceilingMs));
}
