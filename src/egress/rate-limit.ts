import { sql } from "kysely";
import type { ReplyHeaders } from "../http/once.ts";
import { boundedWaitMs, retryAfterMs } from "../http/retry-after.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Db } from "../store/schema.ts";
import { HostBusy } from "./errors.ts";

const WAIT_MAX_MS = MINUTE_MS;
/** No host may push us further ahead than this; an instant beyond it was written under a clock that ran wrong. */
const AHEAD_MAX_MS = DAY_MS;

/** Slots per host, kept in `host_limits`: they hold across processes, and for an agent that exits between ticks. */
export function createRateLimit(db: Db, clock: Clock) {
  return {
    /**
     * Takes the host's next free slot and waits for it; the following one is `intervalMs` later.
     * @throws HostBusy when that is over a minute away (the slot is then not taken); the signal's reason.
     */
    async waitForSlot(host: string, intervalMs: number, signal?: AbortSignal): Promise<void> {
      signal?.throwIfAborted();
      const waitMs = await takeSlot(db, host, Math.ceil(intervalMs), clock.nowMs());
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    },

    /** Asks nothing of the host for `waitMs` from now. */
    async pushBack(host: string, waitMs: number): Promise<void> {
      const nextAt = clock.nowMs() + Math.ceil(waitMs);
      await db
        .insertInto("host_limits")
        .values({ host, next_at: nextAt })
        .onConflict((on) =>
          on.column("host").doUpdateSet({ next_at: nextAt }).where("host_limits.next_at", "<", nextAt),
        )
        .execute();
    },
  };
}

/** How long to wait for the slot that was taken. One statement takes it, so two processes never get the same one. */
async function takeSlot(db: Db, host: string, intervalMs: number, nowMs: number): Promise<number> {
  const next = sql.ref<number>("host_limits.next_at");
  const taken = await db
    .insertInto("host_limits")
    .values({ host, next_at: nowMs + intervalMs })
    .onConflict((on) =>
      on
        .column("host")
        .doUpdateSet({
          next_at: sql`case when ${next} between ${nowMs} and ${nowMs + WAIT_MAX_MS} then ${next} else ${nowMs} end + ${intervalMs}`,
        })
        .where(sql<boolean>`not (${next} > ${nowMs + WAIT_MAX_MS} and ${next} <= ${nowMs + AHEAD_MAX_MS})`),
    )
    .returning("next_at")
    .executeTakeFirst();
  if (taken !== undefined) {
    // A row in the past says nothing any more; a wildcard in `egress.allow` could else grow the table without end.
    await db
      .deleteFrom("host_limits")
      .where("next_at", "<", nowMs - HOUR_MS)
      .execute();
    return taken.next_at - intervalMs - nowMs;
  }
  const { next_at } = await db
    .selectFrom("host_limits")
    .select("next_at")
    .where("host", "=", host)
    .executeTakeFirstOrThrow();
  throw new HostBusy(
    `${host} is not to be called until ${toIso(next_at)}; it is tried again after that`,
    next_at - nowMs,
  );
}

const UNSTATED_429_MS = MINUTE_MS;

/**
 * How long a host asks to be spared, in milliseconds from `nowMs`, at most six hours; null when it does not ask.
 * 429 and 503 with Retry-After; 429 without it counts as a minute; and GitHub's own way, 403 or 429 with
 * `x-ratelimit-remaining: 0` and the second at which the limit is reset.
 */
export function askedWaitMs(status: number, headers: ReplyHeaders, nowMs: number): number | null {
  if (status !== 403 && status !== 429 && status !== 503) return null;
  const wait = retryAfterMs(headers["retry-after"], nowMs) ?? githubResetMs(headers, nowMs);
  if (wait !== null) return boundedWaitMs(wait);
  return status === 429 ? UNSTATED_429_MS : null;
}

function githubResetMs(headers: ReplyHeaders, nowMs: number): number | null {
  const reset = headers["x-ratelimit-reset"]?.trim() ?? "";
  if (headers["x-ratelimit-remaining"]?.trim() !== "0" || !/^\d+$/.test(reset)) return null;
  return Number(reset) * 1000 - nowMs;
}
