import { DAY_MS, MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { retainLogs } from "../../logs/retain.ts";
import { removeCutOff } from "../../ops/backup.ts";
import { isRetentionDue, retain } from "../../ops/retention/retain.ts";
import { agingNow } from "../../rails/budget-time.ts";
import { removeTemporary } from "../../store/durable-file.ts";
import { withChore } from "../chores.ts";
import type { Uses } from "../dependencies.ts";
import { removeMirrors } from "../job/folder.ts";

/** One for each table. */
const STEPS_KILLED = 10;

/**
 * Removes old files of the log, and what is old in the database. A kill in the middle of it leaves the rest to the next tick;
 * an agent that is stopped for weeks ticks on and removes too, a little at a time, since its process must be gone soon.
 */
export async function applyRetention(
  dependencies: Uses<"config" | "store" | "clock" | "log" | "rails">,
  runner: string,
): Promise<void> {
  const { config, store, clock, log, rails } = dependencies;
  const { logDays, logMaxBytes: maxBytes } = config.retention;
  const { logs: dir, state, runs } = config.paths;
  const keptFromMs = (await agingNow(store.db, clock)) - logDays * DAY_MS;
  await orLogged(log, () => retainLogs({ dir, nowMs: clock.nowMs(), keptFromMs, maxBytes }));
  await orLogged(log, () => removeMirrors(config.paths, config.jobs, log));
  const { signal, terminated } = rails.watch;
  const how = signal.aborted ? { signal: terminated, stepsMax: STEPS_KILLED } : { signal };
  await orLogged(log, async () => {
    for (const folder of [state, runs]) removeTemporary(folder, MINUTE_MS);
    removeCutOff(config.paths);
    // Asked before: whoever has nothing to do writes nothing.
    if (!(await isRetentionDue(dependencies))) return;
    const removed = await withChore(dependencies, { name: "retention", runner }, (store) =>
      retain({ store, config, clock, ...how }),
    );
    if (removed !== undefined && Object.keys(removed).length > 0)
      log.event("info", "history_removed", removed);
  });
}

/** Retention is not the work: a failure of it is logged, and the next tick tries again. */
async function orLogged(log: Log, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.event("error", "records_failed", { error: messageOf(error) });
  }
}
