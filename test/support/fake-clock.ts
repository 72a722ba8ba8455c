import { type Clock, IDLE_MS } from "../../src/lib/clock.ts";

/** A clock that tests move. A sleep moves it too, so that nothing waits for real. */
export interface FakeClock extends Clock {
  /** Moves wall clock and uptime together, as time does. */
  advance(ms: number): void;
  /** Moves the wall clock alone: somebody set it. */
  jump(ms: number): void;
  reboot(offMs?: number): void;
  slept: number[];
}

export function fakeClock(start = Date.parse("2026-11-21T10:00:00Z")): FakeClock {
  let now = start;
  let uptime = 1_000_000;
  let boot = 1;
  const clock: FakeClock = {
    slept: [],
    nowMs: () => now,
    uptimeMs: () => uptime,
    bootId: () => `boot-${boot}`,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      clock.slept.push(ms);
      clock.advance(ms);
      await new Promise<void>((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
    idle: (signal) => clock.sleep(IDLE_MS, signal),
    advance(ms) {
      now += ms;
      uptime += ms;
    },
    jump(ms) {
      now += ms;
    },
    reboot(offMs = 0) {
      now += offMs;
      uptime = 10_000;
      boot += 1;
    },
  };
  return clock;
}
