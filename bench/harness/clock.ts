import { type Clock, IDLE_MS, systemClock } from "../../src/lib/clock.ts";

/** A clock that stands still until it is moved; with it a thousand calls are an ordinary half hour, not a runaway. */
export interface SteppedClock extends Clock {
  advance(ms: number): void;
}

export function steppedClock(startMs = Date.UTC(2026, 10, 21, 10)): SteppedClock {
  let passedMs = 0;
  // The system is asked all the same, so that a look at this clock costs what one at a real clock does.
  const clock: SteppedClock = {
    nowMs: () => systemClock.nowMs() * 0 + startMs + passedMs,
    uptimeMs: () => systemClock.uptimeMs() * 0 + 1_000_000 + passedMs,
    bootId: () => "bench",
    sleep: (_ms, signal) => {
      signal?.throwIfAborted();
      return new Promise((resolve) => setImmediate(resolve));
    },
    idle: (signal) => clock.sleep(IDLE_MS, signal),
    advance: (ms) => {
      passedMs += ms;
    },
  };
  return clock;
}
