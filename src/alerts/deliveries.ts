import { DAY_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import type { AlertDeliveriesTable, Db, Trx } from "../store/schema.ts";
import { afterCommit, type Store } from "../store/store.ts";

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
/** 1 min, 8 min, 64 min, 8.5 h: five tries outlast a night's outage. */
const RETRY_MS = MINUTE_MS;
const RETRY_FACTOR = 8;
/** A service that asks for more is asked again after a day. */
const RETRY_AFTER_MAX_MS = DAY_MS;

/** Old news wakes nobody: what could not be sent for a week is given up. */
export async function failStale(
  store: Store,
  { agingMs, nowMs }: { agingMs: number; nowMs: number },
  log: Log,
): Promise<number> {
  const stale = (db: Db) =>
    pending(db)
      .where("alerts.created_at", "<", agingMs - AGE_MAX_MS)
      .execute();
  if ((await stale(store.db)).length === 0) return 0;
  return await store.atomically(async (trx) =>
    giveUp(trx, await stale(trx), "not sent within 7 days", { nowMs, log }),
  );
}

/** Gives up what waits for a channel. */
export async function failAll(
  trx: Trx,
  channel: string,
  reason: string,
  by: { nowMs: number; log: Log },
): Promise<void> {
  await giveUp(trx, await pending(trx).where("channel", "=", channel).execute(), reason, by);
}

/** Lets another channel have what waits for one, at once and with all its tries; what it has already, it does not get twice. */
export async function moveAll(trx: Trx, from: string, to: string, nowMs: number): Promise<void> {
  const waiting = trx
    .selectFrom("alert_deliveries")
    .where("channel", "=", from)
    .where("state", "=", "pending");
  const rows = await waiting.select("alert_id").execute();
  for (const { alert_id } of rows)
    await trx
      .insertInto("alert_deliveries")
      .values({
        alert_id,
        channel: to,
        state: "pending",
        attempts: 0,
        next_at: nowMs,
        error: null,
        updated_at: nowMs,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  await trx
    .deleteFrom("alert_deliveries")
    .where("channel", "=", from)
    .where("state", "=", "pending")
    .execute();
}

async function giveUp(
  trx: Trx,
  rows: readonly (Delivery & { error: string | null })[],
  reason: string,
  { nowMs, log }: { nowMs: number; log: Log },
): Promise<number> {
  for (const row of rows) {
    const error = `${reason}${row.error === null ? "" : ` (last: ${row.error})`}`;
    await update(trx, row, { state: "failed", error, updated_at: nowMs });
    afterCommit(trx, () => logOutcome(log, row, { state: "failed", error }));
  }
  return rows.length;
}

function pending(db: Db) {
  return db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
    .select(["alert_id", "channel", "attempts", "next_at", "error", "key", "event", "payload"])
    .where("state", "=", "pending")
    .orderBy("alert_id");
}

/** What is due on one channel, oldest first. */
export function dueOn(db: Db, channel: string, nowMs: number, limit: number): Promise<Delivery[]> {
  return (
    pending(db)
      .where("channel", "=", channel)
      // Further ahead than any wait was written under a clock that has been set back since.
      .where((e) => e.or([e("next_at", "<=", nowMs), e("next_at", ">", nowMs + 2 * RETRY_AFTER_MAX_MS)]))
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
  for (const delivery of ended) logOutcome(log, delivery, outcome, deliveries.length);
}

/** Each line says for how many others its message stood too. */
function logOutcome(
  log: Log,
  delivery: Delivery,
  { state, error }: { state: "sent" | "failed"; error: string | null },
  folded = 1,
): void {
  const fields = { ...nameOf(delivery), ...(folded > 1 && { folded }) };
  if (state === "sent") log.event("info", "alert_sent", fields);
  else log.event("error", "alert_failed", { ...fields, error, attempts: delivery.attempts });
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
