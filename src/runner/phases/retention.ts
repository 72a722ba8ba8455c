import { DAY_MS, MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { retainLogs } from "../../logs/retain.ts";
import { retain } from "../../ops/retention/retain.ts";
import { agingNow } from "../../rails/budget-time.ts";
import { removeTemporary } from "../../store/durable-file.ts";
import type { Parts } from "../parts.ts";

/**
 * The broom: files of the log, and what is old in the database. A kill in the middle of it leaves the rest to the next tick;
 * an agent that is stopped for weeks ticks on and is swept too, a little at a time, since its process must be gone soon.
 */
export async function sweepRecords(parts: Parts): Promise<void> {
  const { config, store, clock, log } = parts;
  const { logDays, logMaxBytes } = config.retention;
  const keptFromMs = (await agingNow(store.db, clock)) - logDays * DAY_MS;
  await orTold(parts, async () => {
    retainLogs({ dir: config.paths.logs, nowMs: clock.nowMs(), keptFromMs, maxBytes: logMaxBytes });
  });
  const { signal, terminated } = parts.rails.watch;
  const how = signal.aborted ? { signal: terminated, stepsMax: STEPS_KILLED } : { signal };
  await orTold(parts, async () => {
    for (const dir of [config.paths.state, config.paths.runs]) removeTemporary(dir, MINUTE_MS);
    const removed = await retain({ store, config, clock, ...how });
    if (Object.keys(removed).length > 0) log.event("info", "history_removed", removed);
  });
}

/** One for each table. */
const STEPS_KILLED = 10;

/** Retention is not the work: a failure of it is logged, and the next tick tries again. */
async function orTold(parts: Parts, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    parts.log.event("error", "records_failed", { error: messageOf(error) });
  }
}
