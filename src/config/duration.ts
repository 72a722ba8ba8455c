import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { assert } from "../lib/errors.ts";

/** `90s`, `5m`, `4h`, `2d` or a combination from large to small such as `1h30m`; not zero. */
export const DURATION_PATTERN = /^(?=.*[1-9])(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/;

/** Milliseconds of a duration, or null when the text is none. */
export function durationMs(text: string): number | null {
  if (!DURATION_PATTERN.test(text)) return null;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([dhms])/g)) {
    totalMs += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return Number.isSafeInteger(totalMs) ? totalMs : null;
}

/** As `durationMs`, for text that has been checked. */
export function checkedDurationMs(text: string): number {
  const ms = durationMs(text);
  assert(ms !== null, `a duration of ${text}`);
  return ms;
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
