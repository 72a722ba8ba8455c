import { type Clock, IDLE_MS } from "../../lib/clock.ts";

/** Who set an alarm: the agent's own code, whose alarms end with its process, or the simulation. */
export type Owner = "agent" | "world";

/** Something that happens at a moment of true time. */
export interface Alarm {
  owner: Owner;
  /** In true time. */
  dueMs: number;
  ring(): void;
}

/**
 * Time that passes only when it is told to. `elapsedMs` is true time since the simulation began; the wall clock and the
 * uptime that the agent sees are made from it, and may be wrong, as those of a machine may.
 */
export interface VirtualTime extends Clock {
  elapsedMs(): number;
  /** What a right clock would show. */
  trueMs(): number;
  /** Rings after `ms` of true time. */
  alarm(owner: Owner, ms: number, ring: () => void): Alarm;
  /** Sets a rung or cancelled alarm again. */
  again(alarm: Alarm, ms: number): void;
  cancel(alarm: Alarm): void;
  /** The agent's process has ended, and its alarms with it. */
  dropAgentAlarms(): void;
  /** Moves to the next alarm that is due until `untilMs` and rings it; where there is none, to `untilMs`. Gives which. */
  step(untilMs: number): boolean;
  /** Moves the wall clock beside the true time, by this much more. */
  setWall(byMs: number): void;
  wallErrorMs(): number;
  /** The machine starts: the uptime counts anew. */
  boot(): void;
  /** Begins at this instant, with nothing set. */
  reset(startMs: number): void;
}

/** A machine is up for a while before it runs anything. */
const FIRST_UPTIME_MS = 30_000;

/** Time that has yet to begin: see `reset`. */
export function createVirtualTime(): VirtualTime {
  let startMs = 0;
  let nowMs = 0;
  let wallErrorMs = 0;
  let bootedMs = 0;
  let boots = 0;
  /** Those that are set, the earliest first; of those due together, the one that was set first. */
  let alarms: Alarm[] = [];

  const time: VirtualTime = {
    nowMs: () => startMs + nowMs + wallErrorMs,
    uptimeMs: () => nowMs - bootedMs + FIRST_UPTIME_MS,
    bootId: () => `simulated-boot-${boots}`,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const end = () => {
          time.cancel(alarm);
          reject(signal?.reason);
        };
        const alarm = time.alarm("agent", ms, () => {
          signal?.removeEventListener("abort", end);
          resolve();
        });
        signal?.addEventListener("abort", end, { once: true });
      });
    },
    idle: (signal) => time.sleep(IDLE_MS, signal),
    elapsedMs: () => nowMs,
    trueMs: () => startMs + nowMs,
    alarm(owner, ms, ring) {
      const alarm: Alarm = { owner, dueMs: 0, ring };
      time.again(alarm, ms);
      return alarm;
    },
    again(alarm, ms) {
      time.cancel(alarm);
      // As timers of Node do: what is no number, or nothing, is a millisecond.
      alarm.dueMs = nowMs + (ms >= 1 ? Math.ceil(ms) : 1);
      const at = alarms.findIndex(({ dueMs }) => dueMs > alarm.dueMs);
      alarms.splice(at === -1 ? alarms.length : at, 0, alarm);
    },
    cancel(alarm) {
      const at = alarms.indexOf(alarm);
      if (at !== -1) alarms.splice(at, 1);
    },
    dropAgentAlarms() {
      alarms = alarms.filter(({ owner }) => owner === "world");
    },
    step(untilMs) {
      const [first] = alarms;
      if (first === undefined || first.dueMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      alarms.shift();
      nowMs = Math.max(nowMs, first.dueMs);
      first.ring();
      return true;
    },
    setWall(byMs) {
      wallErrorMs += byMs;
    },
    wallErrorMs: () => wallErrorMs,
    boot() {
      boots += 1;
      bootedMs = nowMs;
    },
    reset(atMs) {
      alarms = [];
      startMs = atMs;
      nowMs = 0;
      wallErrorMs = 0;
      bootedMs = 0;
      boots = 1;
    },
  };
  return time;
}
