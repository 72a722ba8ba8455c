import type { Selectable, Updateable } from "kysely";
import { DAY_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import type { AlertDeliveriesTable, AlertsTable } from "../store/schema/alerts.ts";
import type { Db, Trx } from "../store/schema.ts";
import { afterCommit, type Store } from "../store/store.ts";
import type { SendResult } from "./channels/channel.ts";

/** A pending delivery as it was read, with its alert. */
export type Delivery = Omit<Selectable<AlertDeliveriesTable>, "state" | "updated_at"> &
  Pick<Selectable<AlertsTable>, "key" | "event" | "payload">;

/** What the functions that write need besides. */
interface Writer {
  nowMs: number;
  log: Log;
}

const AGE_MAX_MS = 7 * DAY_MS;
const ATTEMPTS_MAX = 5;
/** 1 min, 8 min, 64 min, 8.5 h: five tries outlast a night's outage. */
const RETRY_MS = MINUTE_MS;
const RETRY_FACTOR = 8;
/** A service that asks for more is asked again after a day. */
const RETRY_AFTER_MAX_MS = DAY_MS;

/** What is due on one channel, oldest first, but for events that are left out. */
export function dueOn(
  db: Db,
  channel: string,
  { nowMs, limit, without }: { nowMs: number; limit: number; without: ReadonlySet<string> },
): Promise<Delivery[]> {
  return (
    pending(db)
      .where("channel", "=", channel)
      .$if(without.size > 0, (due) => due.where("event", "not in", [...without]))
      // Further ahead than any wait was written under a clock that has been set back since.
      .where((e) => e.or([e("next_at", "<=", nowMs), e("next_at", ">", nowMs + 2 * RETRY_AFTER_MAX_MS)]))
      .limit(limit)
      .execute()
  );
}

/** Whether all tries are used up. */
export function isSpent({ attempts }: Delivery): boolean {
  return attempts >= ATTEMPTS_MAX;
}

/**
 * Takes the deliveries of one message, and gives those that are ours: another process may have taken some. The wait is
 * longer than a try, so nobody takes them during one.
 */
export async function claim(store: Store, deliveries: Delivery[], nowMs: number): Promise<Delivery[]> {
  if (deliveries.length === 0) return [];
  return await store.atomically(async (trx) => {
    const ours: Delivery[] = [];
    for (const delivery of deliveries) {
      const next_at = nowMs + RETRY_MS * RETRY_FACTOR ** delivery.attempts;
      const attempts = delivery.attempts + 1;
      if (await update(trx, delivery, { attempts, next_at, updated_at: nowMs }))
        ours.push({ ...delivery, attempts, next_at });
    }
    return ours;
  });
}

/**
 * Writes down what came of a message for each of its deliveries that nobody else has meanwhile: sent, given up after the
 * last try, or left to a later tick: after the claim's wait, or what the service asked for when that is longer.
 */
export async function conclude(
  store: Store,
  deliveries: readonly Delivery[],
  result: SendResult,
  by: Writer,
): Promise<void> {
  if (deliveries.length === 0) return;
  await store.atomically((trx) =>
    applyAll(trx, deliveries, by, deliveries.length, (delivery) => {
      if (result.ok) return { state: "sent", error: null };
      const { error, retryAfterMs } = result;
      if (isSpent(delivery)) return { state: "failed", error };
      const askedAt = by.nowMs + Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
      return { error, next_at: Math.max(delivery.next_at, askedAt) };
    }),
  );
}

/** Old news wakes nobody: what could not be sent for a week is given up. Gives how many. */
export async function failStale(store: Store, agingMs: number, by: Writer): Promise<number> {
  const stale = (db: Db) => pending(db).where("alerts.created_at", "<", agingMs - AGE_MAX_MS);
  if ((await stale(store.db).execute()).length === 0) return 0;
  return await store.atomically((trx) => giveUp(trx, stale(trx), "not sent within 7 days", by));
}

/** Gives up what waits for a channel. */
export async function failAll(trx: Trx, channel: string, reason: string, by: Writer): Promise<void> {
  await giveUp(trx, pending(trx).where("channel", "=", channel), reason, by);
}

/** Lets another channel have what waits for one, at once and with all its tries; what it has already, it does not get twice. */
export async function moveAll(trx: Trx, from: string, to: string, nowMs: number): Promise<void> {
  for (const { alert_id } of await pending(trx).where("channel", "=", from).execute())
    await addDelivery(trx, alert_id, to, nowMs);
  await trx
    .deleteFrom("alert_deliveries")
    .where("channel", "=", from)
    .where("state", "=", "pending")
    .execute();
}

/** Queues an alert for one channel, due at once; one that is there stays as it is. */
export async function addDelivery(trx: Trx, alert_id: string, channel: string, nowMs: number): Promise<void> {
  const times = { next_at: nowMs, updated_at: nowMs };
  await trx
    .insertInto("alert_deliveries")
    .values({ alert_id, channel, state: "pending", attempts: 0, error: null, ...times })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function pending(db: Db) {
  return db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
    .select(["alert_id", "channel", "attempts", "next_at", "error", "key", "event", "payload"])
    .where("state", "=", "pending")
    .orderBy("alert_id");
}

async function giveUp(
  trx: Trx,
  which: ReturnType<typeof pending>,
  reason: string,
  by: Writer,
): Promise<number> {
  const rows = await which.execute();
  await applyAll(trx, rows, by, 1, ({ error }) => {
    return { state: "failed", error: `${reason}${error === null ? "" : ` (last: ${error})`}` };
  });
  return rows.length;
}

type Change = Updateable<AlertDeliveriesTable>;

/** Logs each one whose change was written, and for how many its message stood. */
async function applyAll(
  trx: Trx,
  deliveries: readonly Delivery[],
  { nowMs, log }: Writer,
  folded: number,
  changeOf: (delivery: Delivery) => Change & { error: string | null },
): Promise<void> {
  for (const delivery of deliveries) {
    const change = changeOf(delivery);
    if (!(await update(trx, delivery, { ...change, updated_at: nowMs }))) continue;
    const { event: alert, channel, key, attempts } = delivery;
    const name = { alert, channel, key, ...(folded > 1 && change.state !== undefined && { folded }) };
    const { state, error } = change;
    afterCommit(trx, () => {
      if (state === "sent") log.event("info", "alert_sent", name);
      else if (state === "failed") log.event("error", "alert_failed", { ...name, error, attempts });
      else log.event("warn", "alert_delayed", { ...name, error, attempt: attempts });
    });
  }
}

/** Only a delivery that still is as it was read: the number of attempts is the fencing token. */
async function update(trx: Trx, delivery: Delivery, change: Change): Promise<boolean> {
  const result = await trx
    .updateTable("alert_deliveries")
    .set(change)
    .where("alert_id", "=", delivery.alert_id)
    .where("channel", "=", delivery.channel)
    .where("state", "=", "pending")
    .where("attempts", "=", delivery.attempts)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
