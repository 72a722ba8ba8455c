import { MINUTE_MS } from "../lib/durations.ts";
import type { Delivery, KeptMemory } from "./delivery.ts";

/** An answer is kept for a client that asks again for so long after its end. */
const KEPT_MS = 5 * MINUTE_MS;
const ANSWERS_MAX = 2_000;
const BYTES_MAX = 64 * 1024 * 1024;

interface Entry {
  delivery: Delivery;
  /** The idempotency key that it was asked with; null for none. */
  key: string | null;
  endedAt: number | null;
}

/** Answers under way or just given, so that a client's own retry of a request gets that answer and not a second purchase. */
export type Repeats = ReturnType<typeof createRepeats>;
export function createRepeats(nowMs: () => number) {
  /** By the hash of client and request, the oldest first. */
  const entries = new Map<string, Entry>();
  const memory: KeptMemory = { bytes: 0, bytesMax: BYTES_MAX };

  /** What is still under way is forgotten at its end: until then it may have to be recorded. */
  function remove(hash: string): void {
    const entry = entries.get(hash);
    if (entry?.endedAt != null) entry.delivery.forget();
    entries.delete(hash);
  }

  function evict(): void {
    for (const [hash, { endedAt }] of entries) {
      const isOld = endedAt !== null && nowMs() - endedAt > KEPT_MS;
      if (!isOld && entries.size <= ANSWERS_MAX && memory.bytes <= BYTES_MAX / 2) break;
      remove(hash);
    }
  }

  return {
    /** For the deliveries of this gateway. */
    memory,
    /** The answer to the same request, if this is its repetition: a client says so by a count of retries, or by its own key. */
    find(hash: string, headers: { retryCount: string | undefined; key: string | null }): Delivery | null {
      const entry = entries.get(hash);
      if (entry === undefined || (entry.endedAt !== null && nowMs() - entry.endedAt > KEPT_MS)) return null;
      const isRetry =
        Number(headers.retryCount ?? 0) > 0 || (headers.key !== null && headers.key === entry.key);
      return isRetry ? entry.delivery : null;
    },
    add(hash: string, delivery: Delivery, key: string | null): void {
      remove(hash);
      entries.set(hash, { delivery, key, endedAt: null });
      evict();
    },
    /** `isWhole`: it may be given again; anything else is asked for anew. */
    ended(hash: string, delivery: Delivery, isWhole: boolean): void {
      const entry = entries.get(hash);
      if (entry?.delivery !== delivery || !isWhole) delivery.forget();
      if (entry?.delivery !== delivery) return;
      if (isWhole) entry.endedAt = nowMs();
      else entries.delete(hash);
    },
  };
}
