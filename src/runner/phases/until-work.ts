import { MINUTE_MS } from "../../lib/durations.ts";
import { nextNewAt, nextRunAt } from "../../queue/claim.ts";
import type { Uses } from "../dependencies.ts";
import type { TickRecord } from "../tick-record.ts";
import { nextDueAt } from "./enqueue-due.ts";

/**
 * What a cap has halted stays due, and would be tried whenever somebody commits: a gateway that refuses its clients, or another
 * machine of a fleet that tries it too, and so on for ever. For so long after a halt, only jobs that are new since are news.
 */
const HALTED_MS = MINUTE_MS;

/**
 * Waits for the next tick's time, the next due job, another configuration, or work that somebody has added since the
 * database was at `sinceVersion`, whichever is first. When a job is due is asked again only when somebody has committed: it changes
 * with what is committed, and with nothing else.
 * @param halted the tick before, where a rail has halted it
 */
export async function untilWork(
  dependencies: Uses<"clock" | "config" | "store" | "rails" | "hasNews">,
  signal: AbortSignal,
  sinceVersion: number,
  halted: Pick<TickRecord, "startedAt" | "finishedAt"> | null = null,
): Promise<void> {
  const { clock, config, store, rails, hasNews } = dependencies;
  const endsAt = clock.nowMs() + config.tickSeconds * 1_000;
  const heldUntilMs = halted === null ? 0 : clock.uptimeMs() + HALTED_MS;
  const isHeld = () => clock.uptimeMs() < heldUntilMs;
  const { startedAt: addedMs, finishedAt } = halted ?? { startedAt: 0, finishedAt: 0 };
  // What another machine gives back is due from then on, which is nothing new.
  const dueMs = rails.machine === null ? finishedAt : Number.MAX_SAFE_INTEGER;
  let version = sinceVersion;
  /** Somebody has committed while it was held. */
  let isLeft = false;
  let dueAt = await nextDueAt(dependencies);
  while (!signal.aborted && clock.nowMs() < endsAt) {
    // The sleep rejects when the watch trips; the caller looks at the signal.
    await clock.idle(signal).catch(() => undefined);
    if (hasNews() || rails.machine?.left.taken()) return;
    const current = await store.changes.seen();
    if (current !== version || (isLeft && !isHeld())) {
      isLeft = isHeld();
      const runAt = await (isLeft ? nextNewAt(store.db, { addedMs, dueMs }) : nextRunAt(store.db));
      if (runAt !== undefined && runAt <= clock.nowMs()) return;
      dueAt = await nextDueAt(dependencies);
    }
    version = current;
    if (dueAt !== null && dueAt <= clock.nowMs()) return;
  }
}
