import { type Clock, IDLE_MS } from "../../lib/clock.ts";

/** Who set an alarm: the agent's own code, whose alarms end with its process, or the simulation. */
export type Owner = "agent" | "world";

/** Something that happens at a moment of true time. It has what libraries use of a timer of Node's. */
export interface Alarm {
  owner: Owner;
  /** In true time. */
  dueMs: number;
  ring(): void;
  ref(): Alarm;
  unref(): Alarm;
  refresh(): Alarm;
}

/**
 * Time that passes only when it is told to. `elapsedMs` is true time since the simulation began; the wall clock and the
 * uptime that the agent sees are made from it, and may be wrong, as those of a machine may.
 */
export type VirtualTime = ReturnType<typeof createVirtualTime>;

/** A machine is up for a while before it runs anything. */
const FIRST_UPTIME_MS = 30_000;

/** Time that has yet to begin: see `reset`. */
export function createVirtualTime() {
  let startMs = 0;
  let nowMs = 0;
  let wallErrorMs = 0;
  let bootedMs = 0;
  let boots = 0;
  /** Those that are set, the earliest first; of those due together, the one that was set first. */
  let alarms: Alarm[] = [];

  const cancel = (alarm: Alarm): void => {
    alarms = alarms.filter((each) => each !== alarm);
  };

  /** Sets an alarm again that has rung or was cancelled. */
  function again(alarm: Alarm, ms: number): Alarm {
    cancel(alarm);
    // As timers of Node do: what is no number, or nothing, is a millisecond.
    alarm.dueMs = nowMs + (ms >= 1 ? Math.ceil(ms) : 1);
    const at = alarms.findIndex(({ dueMs }) => dueMs > alarm.dueMs);
    alarms.splice(at === -1 ? alarms.length : at, 0, alarm);
    return alarm;
  }

  /** Rings after `ms` of true time. */
  function alarm(owner: Owner, ms: number, ring: () => void): Alarm {
    const itself = () => made;
    const made: Alarm = { owner, dueMs: 0, ring, ref: itself, unref: itself, refresh: () => again(made, ms) };
    return again(made, ms);
  }

  async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const set = alarm("agent", ms, resolve);
    const end = () => {
      cancel(set);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", end, { once: true });
    await promise.finally(() => signal?.removeEventListener("abort", end));
  }

  const clock: Clock = {
    nowMs: () => startMs + nowMs + wallErrorMs,
    uptimeMs: () => nowMs - bootedMs + FIRST_UPTIME_MS,
    bootId: () => `simulated-boot-${boots}`,
    sleep,
    idle: (signal) => sleep(IDLE_MS, signal),
  };
  return {
    ...clock,
    elapsedMs: () => nowMs,
    /** What a right clock would show. */
    trueMs: () => startMs + nowMs,
    alarm,
    again,
    cancel,
    /** The agent's process has ended, and its alarms with it. */
    dropAgentAlarms() {
      alarms = alarms.filter(({ owner }) => owner === "world");
    },
    /** Moves to the next alarm that is due until `untilMs` and rings it; where there is none, to `untilMs`. Gives which. */
    step(untilMs: number): boolean {
      const [first] = alarms;
      const isDue = first !== undefined && first.dueMs <= untilMs;
      nowMs = Math.max(nowMs, isDue ? first.dueMs : untilMs);
      if (!isDue) return false;
      cancel(first);
      first.ring();
      return true;
    },
    /** Moves the wall clock beside the true time, by this much more. */
    setWall(byMs: number) {
      wallErrorMs += byMs;
    },
    wallErrorMs: () => wallErrorMs,
    /** The machine starts: the uptime counts anew. */
    boot() {
      boots += 1;
      bootedMs = nowMs;
    },
    /** Begins at this instant, with nothing set. */
    reset(atMs: number) {
      alarms = [];
      startMs = atMs;
      nowMs = wallErrorMs = bootedMs = 0;
      boots = 1;
    },
  };
}
