import { DAY_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import type { AlertDeliveriesTable, Db, Trx } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { ChannelConfig } from "./channels/channel.ts";
import { channelsFor } from "./wanted.ts";

/** A pending delivery as it was read. */
export interface Delivery {
  alert_id: string;
  channel: string;
  attempts: number;
  next_at: number;
  key: string;
  event: string;
  payload: string;
}

const AGE_MAX_MS = 7 * DAY_MS;
/** Alerts from before are history; they are neither sent nor told of again. */
const HISTORY_MS = 30 * DAY_MS;
const ALERTS_MAX = 1_000;
/** 1 min, 8 min, 64 min, 8.5 h: five tries outlast a night's outage. */
const RETRY_MS = MINUTE_MS;
const RETRY_FACTOR = 8;
/** A service that asks for more is asked again after a day. */
const RETRY_AFTER_MAX_MS = DAY_MS;

/**
 * Gives each alert that has no deliveries yet one for every channel that wants it. Once only: a channel that
 * is added later gets what happens from then on, and not a week of old news.
 */
export async function addDeliveries(store: Store, channels: ChannelConfig[], nowMs: number): Promise<void> {
  if (channels.length === 0) return;
  await store.atomically(async (trx) => {
    const alerts = await trx
      .selectFrom("alerts")
      .select(["id", "key", "event", "severity"])
      .where("created_at", ">=", nowMs - HISTORY_MS)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom("alert_deliveries").select("alert_id").whereRef("alert_id", "=", "alerts.id"))),
      )
      .orderBy("id", "desc")
      .limit(ALERTS_MAX)
      .execute();
    // Oldest first: who gets good news depends on who was told of the trouble before it.
    for (const alert of alerts.reverse()) {
      for (const channel of await channelsFor(trx, channels, alert)) {
        await addDelivery(trx, alert.id, channel, nowMs);
      }
    }
  });
}

async function addDelivery(trx: Trx, alertId: string, channel: string, nowMs: number): Promise<void> {
  await trx
    .insertInto("alert_deliveries")
    .values({
      alert_id: alertId,
      channel,
      state: "pending",
      attempts: 0,
      next_at: nowMs,
      error: null,
      updated_at: nowMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Old news wakes nobody: what could not be sent for a week is given up, also for channels that were removed. */
export async function failStale(
  store: Store,
  { agingMs, nowMs }: { agingMs: number; nowMs: number },
  log: Log,
): Promise<number> {
  const rows = await store.db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
    .select(["alert_id", "channel", "attempts", "next_at", "error", "key", "event", "payload"])
    .where("state", "=", "pending")
    .where("alerts.created_at", "<", agingMs - AGE_MAX_MS)
    .execute();
  for (const row of rows) {
    const last = row.error === null ? "" : ` (last: ${row.error})`;
    await finish(store, [row], { state: "failed", error: `not sent within 7 days${last}` }, nowMs, log);
  }
  return rows.length;
}

/** What is due on one channel, oldest first. */
export function dueOn(db: Db, channel: string, nowMs: number, limit: number): Promise<Delivery[]> {
  return (
    db
      .selectFrom("alert_deliveries")
      .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
      .select(["alert_id", "channel", "attempts", "next_at", "key", "event", "payload"])
      .where("state", "=", "pending")
      .where("channel", "=", channel)
      // Further ahead than any wait was written under a clock that has been set back since.
      .where((e) => e.or([e("next_at", "<=", nowMs), e("next_at", ">", nowMs + 2 * RETRY_AFTER_MAX_MS)]))
      .orderBy("alert_id")
      .limit(limit)
      .execute()
  );
}

/**
 * Takes the deliveries of one message, in one transaction, and gives those that are ours: another process may have taken
 * some. The wait is longer than a try, so nobody takes them during one.
 */
export async function claim(
  store: Store,
  deliveries: readonly Delivery[],
  nowMs: number,
): Promise<Delivery[]> {
  return await store.atomically(async (trx) => {
    const ours: Delivery[] = [];
    for (const delivery of deliveries) {
      const next_at = nowMs + RETRY_MS * RETRY_FACTOR ** delivery.attempts;
      const attempts = delivery.attempts + 1;
      const isOurs = await update(trx, delivery, { attempts, next_at, updated_at: nowMs });
      if (isOurs) ours.push({ ...delivery, attempts, next_at });
    }
    return ours;
  });
}

/**
 * Takes the deliveries of one message to their end, and tells of each. Does nothing for those that somebody else has
 * meanwhile.
 */
export async function finish(
  store: Store,
  deliveries: readonly Delivery[],
  outcome: { state: "sent" | "failed"; error: string | null },
  nowMs: number,
  log: Log,
): Promise<void> {
  const ended = await updateAll(store, deliveries, () => ({ ...outcome, updated_at: nowMs }));
  for (const delivery of ended) {
    // Each says that its message stood for others too.
    const told = { ...nameOf(delivery), ...(deliveries.length > 1 && { folded: deliveries.length }) };
    if (outcome.state === "sent") log.event("info", "alert_sent", told);
    else log.event("error", "alert_failed", { ...told, error: outcome.error, attempts: delivery.attempts });
  }
}

/** Leaves a failed try to a later tick: after the claim's wait, or what the service asked for when that is longer. */
export async function postpone(
  store: Store,
  claimed: readonly Delivery[],
  failure: { error: string; retryAfterMs: number | null },
  nowMs: number,
  log: Log,
): Promise<void> {
  const { error } = failure;
  const askedAt = nowMs + Math.min(failure.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  const late = await updateAll(store, claimed, ({ next_at }) => ({
    error,
    next_at: Math.max(next_at, askedAt),
    updated_at: nowMs,
  }));
  for (const delivery of late)
    log.event("warn", "alert_delayed", { ...nameOf(delivery), error, attempt: delivery.attempts });
}

type Change = Partial<Pick<AlertDeliveriesTable, "state" | "attempts" | "next_at" | "error" | "updated_at">>;

/** All in one transaction; gives those that were still as they were read. */
async function updateAll(
  store: Store,
  deliveries: readonly Delivery[],
  changeOf: (delivery: Delivery) => Change,
): Promise<Delivery[]> {
  if (deliveries.length === 0) return [];
  return await store.atomically(async (trx) => {
    const changed: Delivery[] = [];
    for (const delivery of deliveries)
      if (await update(trx, delivery, changeOf(delivery))) changed.push(delivery);
    return changed;
  });
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

function nameOf(delivery: Delivery): { alert: string; channel: string; key: string } {
  return { alert: delivery.event, channel: delivery.channel, key: delivery.key };
}
