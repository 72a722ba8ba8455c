import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Where every part of afk gets its time. Instants are UTC epoch milliseconds.
 * `uptimeMs` counts since the machine booted and only goes forward; it is what a
 * jump of the wall clock is measured against. `bootId` changes with every boot.
 */
export interface Clock {
  nowMs(): number;
  uptimeMs(): number;
  bootId(): string;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  uptimeMs: () => Math.floor(uptime() * 1000),
  bootId: () => {
    cachedBootId ??= readBootId();
    return cachedBootId;
  },
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

/** A wait in real time that can be cut short. */
export interface Pause {
  ms: number;
  /** Resolves when it is over, either way. */
  over: Promise<void>;
  end(): void;
}

/** For what waits and is woken often: the sleep of a clock ends by an error, which takes longer to make than a look. */
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
