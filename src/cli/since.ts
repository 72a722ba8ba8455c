import { durationMs } from "../config/duration.ts";
import { systemClock } from "../lib/clock.ts";

/** Epoch milliseconds of an ISO 8601 instant, or of a span (`2d`, `90m`) before now; null when it is neither. */
export function sinceMs(text: string): number | null {
  const span = durationMs(text);
  if (span !== null) return systemClock.nowMs() - span;
  const instant = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? null : instant;
}
