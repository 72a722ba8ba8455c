import { HOUR_MS } from "../lib/durations.ts";

const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 6 * HOUR_MS;

/**
 * What a Retry-After header asks for, in milliseconds from `nowMs` (RFC 9110, section 10.2.3: seconds or a date; fractions of
 * a second are not in it, but sent). Null for anything else. A date that has passed is a negative wait.
 */
export function retryAfterMs(value: string | null | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  // Every date form of HTTP starts with the name of a day; Date.parse alone would take "-5" for a year.
  const atMs = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : atMs - nowMs;
}

/** A wait that a server asked for, as far as it is heeded: between one second and six hours, in milliseconds. */
export function boundedWaitMs(ms: number): number {
  return Math.ceil(Math.min(Math.max(ms, WAIT_MIN_MS), WAIT_MAX_MS));
}
