import { HOUR_MS } from "../../lib/durations.ts";
import { latestTicks } from "../../ops/history.ts";
import { usualInterval } from "../../ops/watchdog/heartbeat.ts";
import type { Uses } from "../dependencies.ts";

/** How many ticks say how often they come, besides the one that runs. */
const TICKS_READ = 21;
/** A timer's first ticks do not say how often it comes; that one of afk's comes every five minutes is not known here. */
const INTERVAL_UNKNOWN_MS = HOUR_MS;

/** Since when the agent was not there, in epoch milliseconds; null where it was. */
export type Absence = (lastSlotMs: number) => number | null;

/**
 * Whether the machine, or all that ticks on it, was off before the tick that runs: it has booted since the tick before, or far
 * more time has passed since that one's end than lies between two ticks. A timer that comes more seldom than a job, and a
 * job that ran for long, are no absence.
 */
export async function readAbsence({
  config,
  store,
  clock,
}: Uses<"config" | "store" | "clock">): Promise<Absence> {
  const nowMs = clock.nowMs();
  const ticks = await latestTicks(store.db, nowMs, TICKS_READ + 1);
  const earlier = ticks.filter(({ outcome }) => outcome !== "running");
  const [last] = earlier;
  // When a tick that crashed was found is no sign of life.
  const seenMs =
    last === undefined
      ? null
      : last.outcome === "crashed"
        ? last.started_at
        : (last.finished_at ?? last.started_at);
  const usualMs =
    earlier.length > 1 || last === undefined
      ? usualInterval(earlier, config.tickSeconds)
      : Math.max(INTERVAL_UNKNOWN_MS, config.tickSeconds * 1_000);
  const bootedMs = nowMs - clock.uptimeMs();
  return (lastSlotMs) => {
    const sinceMs = seenMs ?? lastSlotMs;
    return bootedMs > sinceMs || nowMs - sinceMs > 2 * usualMs ? sinceMs : null;
  };
}
