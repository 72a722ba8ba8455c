import { type Clock, systemClock } from "../../lib/clock.ts";

/**
 * The time of the database: read behind the gate by each section, and carried on by the monotonic clock of this machine from one
 * section to the next. It never goes back.
 */
export function databaseClock() {
  let at: { nowMs: number; uptimeMs: number } | null = null;
  let latest = 0;
  const nowMs = () => {
    if (at === null) return systemClock.nowMs();
    latest = Math.max(latest, at.nowMs + Math.max(0, Math.floor(systemClock.uptimeMs() - at.uptimeMs)));
    return latest;
  };
  return {
    /** What a section found. */
    read(found: number): void {
      at = { nowMs: Math.max(found, latest), uptimeMs: systemClock.uptimeMs() };
    },
    /** A clock that says the database's time, and for the rest is `clock`. */
    over: (clock: Clock): Clock => ({
      nowMs,
      uptimeMs: () => clock.uptimeMs(),
      bootId: () => clock.bootId(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      idle: (signal) => clock.idle(signal),
    }),
  };
}
