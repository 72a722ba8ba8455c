import type { QuietHours } from "../config/deliver.ts";
import { instantIn, wallTime } from "../lib/zone.ts";

/**
 * When the quiet hours end that an instant lies in; null outside of them. Both ends are instants of the zone's own days, so
 * that an hour that a day lacks or has twice makes them shorter or longer, and never begins them anew.
 */
export function quietUntil({ from, until }: QuietHours, timezone: string, nowMs: number): number | null {
  const { year, month, day } = wallTime(nowMs, timezone);
  const at = (daysLater: number, minutes: number) => {
    // Days beyond a month's end are the next month's to Date.UTC, and to `instantIn`.
    const time = { hour: Math.floor(minutes / 60), minute: minutes % 60, second: 0 };
    return instantIn(timezone, { year, month, day: day + daysLater, ...time });
  };
  // They began yesterday, or today.
  for (const began of [-1, 0]) {
    const endMs = at(until > from ? began : began + 1, until);
    if (at(began, from) <= nowMs && nowMs < endMs) return endMs;
  }
  return null;
}
