import type { Outbox } from "../alerts/outbox.ts";
import type { Clock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { tellEvents } from "../rails/database-events.ts";
import type { Store } from "../store/store.ts";

/**
 * Tells of what is found wrong with a fleet's database from now on, as soon as it is found, and now of what a process without an
 * outbox has found. What cannot be told now stays to be told.
 */
export async function watchDatabase(
  store: Store,
  { outbox, clock, log }: { outbox: Outbox; clock: Clock; log: Log },
): Promise<void> {
  const tell = async () => {
    try {
      const untold = store.db.selectFrom("database_events").select("event").where("told_at", "is", null);
      if ((await untold.limit(1).executeTakeFirst()) === undefined) return;
      await store.atomically((trx) => tellEvents(trx, outbox.announce, clock.nowMs()));
    } catch (error) {
      log.event("error", "records_failed", { error: messageOf(error) });
    }
  };
  store.health.onEvent(tell);
  await tell();
}
