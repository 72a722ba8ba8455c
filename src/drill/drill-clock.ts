import { type Clock, IDLE_MS, systemClock } from "../lib/clock.ts";
import { dayIn } from "../lib/days.ts";
import { HOUR_MS } from "../lib/durations.ts";

/** What a drill may move it by, and still be in the day that it began in. */
const SAME_DAY_MS = 3 * HOUR_MS;

/**
 * A clock that a drill moves, so that cooldowns and windows pass without waiting. A sleep moves it too. Starts now or, late
 * in the day, some hours ago: a drill of the day's cap must not run into the next day.
 */
export function createDrillClock(timezone: string) {
  let nowMs = systemClock.nowMs();
  while (dayIn(nowMs, timezone) !== dayIn(nowMs + SAME_DAY_MS, timezone)) nowMs -= HOUR_MS;
  let uptimeMs = systemClock.uptimeMs();
  /** Moves wall clock and uptime together, as time does. */
  const advance = (ms: number) => {
    nowMs += ms;
    uptimeMs += ms;
  };
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    advance(ms);
  };
  return {
    nowMs: () => nowMs,
    uptimeMs: () => uptimeMs,
    bootId: systemClock.bootId,
    sleep,
    idle: (signal?: AbortSignal) => sleep(IDLE_MS, signal),
    advance,
  } satisfies Clock & { advance(ms: number): void };
}
