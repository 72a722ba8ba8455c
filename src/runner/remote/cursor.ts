import { DAY_MS, MINUTE_MS } from "../../lib/durations.ts";
import type { Db, Trx } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";

/** A service that had nothing for a week may begin anew with its numbers (https://core.telegram.org/bots/api#update). */
const CURSOR_KEPT_MS = 6 * DAY_MS;
/** As often as a channel that goes on well is written down. */
const HEARD_EVERY_MS = MINUTE_MS;

/** Up to where a channel was read; null to begin with what the service still has. */
export async function readCursor(db: Db, channel: string, nowMs: number): Promise<string | null> {
  const row = await db
    .selectFrom("remote_cursors")
    .select(["cursor", "moved_at"])
    .where("channel", "=", channel)
    .executeTakeFirst();
  const { cursor = null, moved_at: movedAt = null } = row ?? {};
  return cursor !== null && movedAt !== null && nowMs - movedAt < CURSOR_KEPT_MS ? cursor : null;
}

/** Moves it, once everything before it was dealt with. */
export async function moveCursor(trx: Trx, channel: string, cursor: string, nowMs: number): Promise<void> {
  await trx
    .insertInto("remote_cursors")
    .values({ ...EMPTY, channel, cursor, moved_at: nowMs })
    .onConflict((conflict) => conflict.column("channel").doUpdateSet({ cursor, moved_at: nowMs }))
    .execute();
}

/** Notes a message as dealt with. False when it was before. */
export async function noteMessage(trx: Trx, channel: string, id: string, nowMs: number): Promise<boolean> {
  const result = await trx
    .insertInto("remote_messages")
    .values({ channel, message_id: id, at: nowMs })
    .onConflict((conflict) => conflict.columns(["channel", "message_id"]).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Writes down how well a channel is read, for those who look: each change, and once a minute that all is well. */
export interface Connection {
  answered(nowMs: number): Promise<void>;
  failed(error: string, nowMs: number): Promise<void>;
}

/** Of one channel, in one process. */
export function recordConnection(store: Store, channel: string): Connection {
  let state: "unknown" | "well" | "failing" = "unknown";
  let writtenAt = 0;
  let told = "";
  const write = (change: Partial<typeof EMPTY>) =>
    store.atomically((trx) =>
      trx
        .insertInto("remote_cursors")
        .values({ ...EMPTY, ...change, channel })
        .onConflict((conflict) => conflict.column("channel").doUpdateSet(change))
        .execute(),
    );
  return {
    async answered(nowMs) {
      const isChange = state !== "well";
      if (!isChange && Math.abs(nowMs - writtenAt) < HEARD_EVERY_MS) return;
      [state, writtenAt, told] = ["well", nowMs, ""];
      await write({
        heard_at: nowMs,
        failing_since: null,
        error: null,
        ...(isChange && { connected_at: nowMs }),
      });
    },
    async failed(error, nowMs) {
      if (error === told) return;
      const since =
        state === "failing" ? {} : { failing_since: await failingSince(store.db, channel, nowMs) };
      [state, told] = ["failing", error];
      await write({ error, connected_at: null, ...since });
    },
  };
}

/** A process that begins while it fails goes on with what the one before had seen. */
async function failingSince(db: Db, channel: string, nowMs: number): Promise<number> {
  const row = await db
    .selectFrom("remote_cursors")
    .select("failing_since")
    .where("channel", "=", channel)
    .executeTakeFirst();
  return row?.failing_since ?? nowMs;
}

const EMPTY = {
  cursor: null as string | null,
  moved_at: null as number | null,
  connected_at: null as number | null,
  heard_at: null as number | null,
  failing_since: null as number | null,
  error: null as string | null,
};
