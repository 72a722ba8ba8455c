import { HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import type { AnswerHeaders } from "./answer.ts";

const ASKED_MAX_MS = 6 * HOUR_MS;
const UNSTATED_429_MS = MINUTE_MS;

/**
 * How long a host asks to be left alone, in milliseconds from `nowMs`, at most six hours; null when it does not ask.
 * 429 and 503 with Retry-After (RFC 9110, section 10.2.3: seconds or a date); 429 without it counts as a minute; and GitHub's
 * own way, 403 or 429 with `x-ratelimit-remaining: 0` and the second at which the limit is reset.
 */
export function askedWaitMs(status: number, headers: AnswerHeaders, nowMs: number): number | null {
  if (status !== 403 && status !== 429 && status !== 503) return null;
  const wait = retryAfterMs(headers["retry-after"], nowMs) ?? githubResetMs(headers, nowMs);
  if (wait !== null) return Math.min(Math.max(wait, 1_000), ASKED_MAX_MS);
  return status === 429 ? UNSTATED_429_MS : null;
}

function retryAfterMs(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Every date form of HTTP starts with the name of a day; Date.parse alone would take "-5" for a year.
  const atMs = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : atMs - nowMs;
}

function githubResetMs(headers: AnswerHeaders, nowMs: number): number | null {
  const reset = headers["x-ratelimit-reset"]?.trim() ?? "";
  if (headers["x-ratelimit-remaining"]?.trim() !== "0" || !/^\d+$/.test(reset)) return null;
  return Number(reset) * 1000 - nowMs;
}
