import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/**
 * Where every part of afk gets its time. Instants are UTC epoch milliseconds.
 * `uptimeMs` counts since the machine booted and only goes forward; it is what a
 * jump of the wall clock is measured against. `bootId` changes with every boot.
 */
export interface Clock {
  /** The time is that of a fleet: several machines have it, and no uptime explains it. */
  isShared?: boolean;
  nowMs(): number;
  uptimeMs(): number;
  bootId(): string;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** The sleep of a process without work, until it is time to check again (IDLE_MS at most); rejects as `sleep` does. */
  idle(signal?: AbortSignal): Promise<void>;
}

/**
 * How long a process that idles may take to see a STOP file, a set switch or new work. Not a second: its guard wakes
 * on top of that, and a process that does nothing should not wake more than once a second in all.
 */
export const IDLE_MS = 1_500;

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  uptimeMs,
  bootId: () => {
    cachedBootId ??= readBootId();
    return cachedBootId;
  },
  sleep: (ms, signal) => rest(() => pause(ms), signal),
  idle: (signal) => rest(idlePause, signal),
};

/** Waits until the pause is over. Throws the signal's reason when that aborts first. */
async function rest(begin: () => Pause, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const nap = begin();
  signal?.addEventListener("abort", nap.end, { once: true });
  await nap.over;
  signal?.removeEventListener("abort", nap.end);
  signal?.throwIfAborted();
}

/** A wait in real time that can be cut short. */
export interface Pause {
  ms: number;
  /** Resolves when it is over, either way. */
  over: Promise<void>;
  end(): void;
}

/** For what waits and is woken often, without the error by which a clock's sleep ends. */
export function pause(ms: number): Pause {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return {
    ms,
    over: promise,
    end() {
      clearTimeout(timer);
      resolve();
    },
  };
}

/** Does something after a time, unless the function that it gives is called before. */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** The same for what keeps no process from its end. */
export function afterUnref(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

const idlers = new Set<() => void>();
let idleTimer: NodeJS.Timeout | undefined;

/**
 * A wait in real time of IDLE_MS or less: all who idle wait for the same timer, so that they wake the process once and
 * not each at a moment of its own.
 */
export function idlePause(): Pause {
  const { promise, resolve } = Promise.withResolvers<void>();
  idlers.add(resolve);
  idleTimer ??= setTimeout(wakeIdlers, IDLE_MS);
  return {
    ms: IDLE_MS,
    over: promise,
    end() {
      idlers.delete(resolve);
      if (idlers.size === 0) stopIdleTimer();
      resolve();
    },
  };
}

function wakeIdlers(): void {
  const woken = [...idlers];
  idlers.clear();
  stopIdleTimer();
  for (const wake of woken) wake();
}

function stopIdleTimer(): void {
  clearTimeout(idleTimer);
  idleTimer = undefined;
}

/** The system takes 10 us to tell its uptime, and a call asks several times. */
const UPTIME_KEPT_MS = 1_000;
let told = { uptimeMs: 0, wallMs: 0, monotonicMs: Number.NEGATIVE_INFINITY };
let latestUptimeMs = 0;

/**
 * What the system told within the last second, and what has passed since. Only while wall clock and monotonic clock say the
 * same of that: the latter stands still while the machine sleeps, and the uptime goes on.
 */
function uptimeMs(): number {
  const [wallMs, monotonicMs] = [Date.now(), performance.now()];
  let passedMs = monotonicMs - told.monotonicMs;
  if (passedMs > UPTIME_KEPT_MS || Math.abs(wallMs - told.wallMs - passedMs) > 5) {
    told = { uptimeMs: uptime() * 1_000, wallMs, monotonicMs };
    passedMs = 0;
  }
  const read = Math.floor(told.uptimeMs + passedMs);
  // The system tells it in hundredths of a second. Further back is another machine's, as in a thread's next simulation.
  latestUptimeMs = latestUptimeMs - read > UPTIME_KEPT_MS ? read : Math.max(latestUptimeMs, read);
  return latestUptimeMs;
}

let cachedBootId: string | undefined;

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux: the moment of boot, to ten seconds, stands in for the id.
    return `boot-${Math.round((Date.now() - uptime() * 1000) / 10_000)}`;
  }
}

/** ISO 8601 in UTC, as every output of afk shows an instant. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
