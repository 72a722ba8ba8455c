import type { Selectable } from "kysely";
import { DAY_MS } from "../../lib/durations.ts";
import { prepared } from "../../store/prepared.ts";
import type { SeenTable } from "../../store/schema/queue.ts";
import type { Uses } from "../dependencies.ts";

/** A key that is asked about is marked so seldom that it costs nothing, and often enough for retention. */
const SEEN_AGAIN_MS = 30 * DAY_MS;

/** Which of the keys an earlier run of a job of this name remembered. */
export async function isSeen(
  { store, clock }: Uses<"store" | "clock">,
  jobName: string,
  keys: string[],
): Promise<Set<string>> {
  const seen = new Set<string>();
  // SQLite bounds the parameters of a statement; sources bound the keys.
  for (let start = 0; start < keys.length; start += 500) {
    const rows = await store.db
      .selectFrom("seen")
      .select(["key", "seen_at"])
      .where("job_name", "=", jobName)
      .where("key", "in", keys.slice(start, start + 500))
      .execute();
    for (const row of rows) seen.add(row.key);
    // What is still offered is not forgotten, however long ago it was dealt with: retention goes by the latest offer.
    const old = rows.filter(({ seen_at }) => seen_at < clock.nowMs() - SEEN_AGAIN_MS).map(({ key }) => key);
    if (old.length > 0) {
      await store.db
        .updateTable("seen")
        .set({ seen_at: clock.nowMs() })
        .where("job_name", "=", jobName)
        .where("key", "in", old)
        .execute();
    }
  }
  return seen;
}

/** Remembers a key that a job has dealt with, in the transaction that marks it done. */
export const rememberSeen = prepared((db, seen: Selectable<SeenTable>) =>
  db
    .insertInto("seen")
    .values({ job_name: seen.job_name, key: seen.key, seen_at: seen.seen_at })
    .onConflict((conflict) => conflict.columns(["job_name", "key"]).doNothing()),
);
