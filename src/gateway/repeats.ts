import { MINUTE_MS } from "../lib/durations.ts";
import type { Delivery } from "./delivery.ts";

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
  let added = 0;

  function drop(): void {
    let bytes = 0;
    for (const { delivery } of entries.values()) bytes += delivery.keptBytes;
    for (const [hash, { delivery, endedAt }] of entries) {
      const isOld = endedAt !== null && nowMs() - endedAt > KEPT_MS;
      if (!isOld && entries.size <= ANSWERS_MAX && bytes <= BYTES_MAX) break;
      bytes -= delivery.keptBytes;
      entries.delete(hash);
    }
  }

  return {
    /** The answer to the same request, if this is its repetition: a client says so by a count of retries, or by its own key. */
    find(hash: string, headers: { retryCount: string | undefined; key: string | null }): Delivery | null {
      const entry = entries.get(hash);
      if (entry === undefined || (entry.endedAt !== null && nowMs() - entry.endedAt > KEPT_MS)) return null;
      const isRetry =
        Number(headers.retryCount ?? 0) > 0 || (headers.key !== null && headers.key === entry.key);
      return isRetry ? entry.delivery : null;
    },
    add(hash: string, delivery: Delivery, key: string | null): void {
      entries.delete(hash);
      entries.set(hash, { delivery, key, endedAt: null });
      added += 1;
      if (added % 16 === 0 || entries.size > ANSWERS_MAX) drop();
    },
    /** `isWhole`: it may be given again; anything else is asked for anew. */
    ended(hash: string, delivery: Delivery, isWhole: boolean): void {
      const entry = entries.get(hash);
      if (entry?.delivery !== delivery) return;
      if (isWhole) entry.endedAt = nowMs();
      else entries.delete(hash);
    },
  };
}
