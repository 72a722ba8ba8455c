import { type Clock, IDLE_MS } from "../../lib/clock.ts";

/** Who set an alarm: the agent's own code, whose alarms end with its process, or the simulation. */
export type Owner = "agent" | "world";

export interface Alarm {
  owner: Owner;
  /** Of the setting that counts; 0 while it is not set. */
  order: number;
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

interface Setting {
  dueMs: number;
  order: number;
  alarm: Alarm;
}

/** A machine is up for a while before it runs anything. */
const FIRST_UPTIME_MS = 30_000;

export function createVirtualTime(): VirtualTime {
  let startMs = 0;
  let nowMs = 0;
  let wallErrorMs = 0;
  let bootedMs = 0;
  let boots = 0;
  let orders = 0;
  let settings: Setting[] = [];

  /** The earliest setting that still counts, of which there are others: an alarm that was set anew or cancelled. */
  function next(): Setting | undefined {
    while (settings[0] !== undefined && settings[0].alarm.order !== settings[0].order) take(settings);
    return settings[0];
  }

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
      const alarm: Alarm = { owner, order: 0, ring };
      time.again(alarm, ms);
      return alarm;
    },
    again(alarm, ms) {
      orders += 1;
      alarm.order = orders;
      // As timers of Node do: what is no number, or nothing, is a millisecond.
      put(settings, { dueMs: nowMs + (ms >= 1 ? Math.ceil(ms) : 1), order: orders, alarm });
    },
    cancel(alarm) {
      alarm.order = 0;
    },
    dropAgentAlarms() {
      const rest = settings;
      settings = [];
      for (const setting of rest) {
        if (setting.alarm.owner === "world") put(settings, setting);
        else if (setting.alarm.order === setting.order) setting.alarm.order = 0;
      }
    },
    step(untilMs) {
      const first = next();
      if (first === undefined || first.dueMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      take(settings);
      nowMs = Math.max(nowMs, first.dueMs);
      first.alarm.order = 0;
      first.alarm.ring();
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
      for (const { alarm } of settings) alarm.order = 0;
      settings = [];
      startMs = atMs;
      nowMs = 0;
      wallErrorMs = 0;
      bootedMs = 0;
      boots = 1;
      orders = 0;
    },
  };
  return time;
}

/* A binary heap in an array, the earliest first; of those due together the one that was set first. */

function put(heap: Setting[], setting: Setting): void {
  let at = heap.push(setting) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const above = heap[up];
    if (above === undefined || !isBefore(setting, above)) break;
    heap[at] = above;
    heap[up] = setting;
    at = up;
  }
}

function take(heap: Setting[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  for (let at = 0; ; ) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    if (left === undefined) return;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, last)) return;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
    heap[at] = last;
  }
}

function isBefore(a: Setting, b: Setting): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
