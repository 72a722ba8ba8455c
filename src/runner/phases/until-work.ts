import { MINUTE_MS } from "../../lib/durations.ts";
import { nextAddedAt, nextRunAt } from "../../queue/claim.ts";
import type { Uses } from "../dependencies.ts";
import { nextDueAt } from "./enqueue-due.ts";

/**
 * What a cap has halted stays due. Each machine of a fleet that tries it commits, which would be news to the others, and so on for
 * ever: for so long after a halt, only jobs that were added since are news.
 */
const HALTED_MS = MINUTE_MS;

/**
 * Waits for the next tick's time, the next due job, another configuration, or work that somebody has added since the
 * database was at `sinceVersion`, whichever is first. When a job is due is asked again only when somebody has committed: it changes
 * with what is committed, and with nothing else.
 * @param haltedAt in a fleet, when the tick before began, where a rail has halted it
 */
export async function untilWork(
  dependencies: Uses<"clock" | "config" | "store" | "rails" | "hasNews">,
  signal: AbortSignal,
  sinceVersion: number,
  haltedAt: number | null = null,
): Promise<void> {
  const { clock, config, store, rails, hasNews } = dependencies;
  const endsAt = clock.nowMs() + config.tickSeconds * 1_000;
  const isHeld = () => haltedAt !== null && clock.nowMs() < haltedAt + HALTED_MS;
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
      const runAt = await (isLeft ? nextAddedAt(store.db, haltedAt ?? 0) : nextRunAt(store.db));
      if (runAt !== undefined && runAt <= clock.nowMs()) return;
      dueAt = await nextDueAt(dependencies);
    }
    version = current;
    if (dueAt !== null && dueAt <= clock.nowMs()) return;
  }
}
