import { nextRunAt } from "../../queue/claim.ts";
import type { Uses } from "../dependencies.ts";
import { nextDueAt } from "./enqueue-due.ts";

/**
 * Waits for the next tick's time, the next due job, another configuration, or work that somebody has added since the
 * database was at `sinceVersion`, whichever is first. When a job is due is asked again only when somebody has committed: it changes
 * with what is committed, and with nothing else.
 */
export async function untilWork(
  dependencies: Uses<"clock" | "config" | "store" | "rails" | "hasNews">,
  signal: AbortSignal,
  sinceVersion: number,
): Promise<void> {
  const { clock, config, store, rails, hasNews } = dependencies;
  const endsAt = clock.nowMs() + config.tickSeconds * 1_000;
  let version = sinceVersion;
  let dueAt = await nextDueAt(dependencies);
  while (!signal.aborted && clock.nowMs() < endsAt) {
    // The sleep rejects when the watch trips; the caller looks at the signal.
    await clock.idle(signal).catch(() => undefined);
    if (hasNews() || rails.machine?.left.taken()) return;
    const current = await store.changes.seen();
    if (current !== version) {
      const runAt = await nextRunAt(store.db);
      if (runAt !== undefined && runAt <= clock.nowMs()) return;
      dueAt = await nextDueAt(dependencies);
    }
    version = current;
    if (dueAt !== null && dueAt <= clock.nowMs()) return;
  }
}
