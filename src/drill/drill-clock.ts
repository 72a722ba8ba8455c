import { type Clock, IDLE_MS, systemClock } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { HOUR_MS } from "../lib/durations.ts";

/** A clock that a drill moves, so that cooldowns and windows pass without waiting. A sleep moves it too. */
export interface DrillClock extends Clock {
  /** Moves wall clock and uptime together, as time does. */
  advance(ms: number): void;
}

/** What a drill may move it by, and still be in the day that it began in. */
const SAME_DAY_MS = 3 * HOUR_MS;

/** Starts now or, late in the day, some hours ago: a drill of the day's cap must not run into the next day. */
export function createDrillClock(timezone: string): DrillClock {
  let nowMs = systemClock.nowMs();
  while (dayIn(nowMs, timezone) !== dayIn(nowMs + SAME_DAY_MS, timezone)) nowMs -= HOUR_MS;
  let uptimeMs = systemClock.uptimeMs();
  const clock: DrillClock = {
    nowMs: () => nowMs,
    uptimeMs: () => uptimeMs,
    bootId: () => systemClock.bootId(),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      clock.advance(ms);
    },
    idle: (signal) => clock.sleep(IDLE_MS, signal),
    advance(ms) {
      nowMs += ms;
      uptimeMs += ms;
    },
  };
  return clock;
}
