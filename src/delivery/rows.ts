import type { Selectable, Updateable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import { dayIn } from "../lib/days.ts";
import { DAY_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import type { DeliveriesTable, ResultsTable } from "../store/schema/results.ts";
import type { Db, Trx } from "../store/schema.ts";
import { afterCommit, type Store } from "../store/store.ts";

/** A pending delivery as it was read, with its result. */
export type Delivery = Omit<Selectable<DeliveriesTable>, "state" | "created_at" | "updated_at"> &
  Pick<Selectable<ResultsTable>, "name" | "label">;

/** What the functions that write need besides. */
export interface Writer {
  nowMs: number;
  timezone: string;
  log: Log;
  announce: Announce;
}

const ATTEMPTS_MAX = 7;
/** 1 min, 5 min, 25 min, 2 h, 10 h, a day: seven tries outlast a day's outage. */
const RETRY_MS = MINUTE_MS;
const RETRY_FACTOR = 5;
const RETRY_MAX_MS = DAY_MS;
/** More may wait; the next pass has them. */
const PENDING_MAX = 1_000;

/**
 * What waits, oldest first: of all receivers, or for one target, which is that of its channel or of its entry in afk.yaml; of its
 * channel's what is due. A target that is down keeps its own waiting, and no other's.
 */
export function pendingDeliveries(
  db: Db,
  of?: { target: string; receivers: readonly { job: string; name: string }[]; nowMs: number },
): Promise<Delivery[]> {
  const { target = "", receivers = [], nowMs = 0 } = of ?? {};
  return db
    .selectFrom("deliveries")
    .innerJoin("results", (join) =>
      join
        .onRef("results.job_id", "=", "deliveries.job_id")
        .onRef("results.outcome", "=", "deliveries.outcome"),
    )
    .select(["key", "deliveries.job_id", "deliveries.outcome", "receiver", "channel", "attempts"])
    .select(["parts_taken", "next_at", "error", "results.name", "results.label"])
    .where("state", "=", "pending")
    .$if(of !== undefined, (select) =>
      select.where((e) => {
        // Further ahead than any wait was written under a clock that has been set back since.
        const isDue = e.or([e("next_at", "<=", nowMs), e("next_at", ">", nowMs + 2 * RETRY_MAX_MS)]);
        const isMoved = receivers.map(({ job, name }) =>
          e.and([e("results.name", "=", job), e("receiver", "=", name), e("channel", "!=", target)]),
        );
        return e.or([e.and([e("channel", "=", target), isDue]), ...isMoved]);
      }),
    )
    .orderBy("deliveries.created_at")
    .orderBy("key")
    .limit(PENDING_MAX)
    .execute();
}

/** Whether who has an address gets this result, or has it, by a delivery of its own. */
export async function isSentThere(
  db: Db,
  { key, job_id, outcome }: Delivery,
  channel: string,
): Promise<boolean> {
  const row = await db
    .selectFrom("deliveries")
    .select("key")
    .where("job_id", "=", job_id)
    .where("outcome", "=", outcome)
    .where("channel", "=", channel)
    .where("key", "!=", key)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether all tries are used up. */
export function isSpent({ attempts }: Delivery): boolean {
  return attempts >= ATTEMPTS_MAX;
}

/** Takes one for a try; null when another process has it. The wait is longer than a try, so nobody takes it during one. */
export async function claim(store: Store, delivery: Delivery, nowMs: number): Promise<Delivery | null> {
  const attempts = delivery.attempts + 1;
  return await advance(store, delivery, { attempts, next_at: nowMs + waitMs(attempts) }, nowMs);
}

/** Notes that the receiver took one more message of several: the tries count anew from there. Null when it is not ours any more. */
export async function partTaken(store: Store, delivery: Delivery, nowMs: number): Promise<Delivery | null> {
  const change = { parts_taken: delivery.parts_taken + 1, attempts: 1, next_at: nowMs + waitMs(1) };
  return await advance(store, delivery, change, nowMs);
}

/** Puts it off without a try: into the time after quiet hours, or to where an address that was corrected begins. */
export async function putOff(
  store: Store,
  delivery: Delivery,
  change: Pick<Delivery, "next_at"> & Partial<Pick<Delivery, "channel" | "attempts" | "parts_taken">>,
  nowMs: number,
): Promise<Delivery | null> {
  return await advance(store, delivery, change, nowMs);
}

/** The receiver has it all. */
export async function conclude(store: Store, delivery: Delivery, by: Writer): Promise<void> {
  await store.atomically(async (trx) => {
    if (!(await update(trx, delivery, { state: "delivered", error: null, updated_at: by.nowMs }))) return;
    const { attempts } = delivery;
    afterCommit(trx, () => by.log.event("info", "delivered", { ...nameOf(delivery), attempts }));
  });
}

/**
 * A try failed: given up after the last one, with an alert; else left to a later one, and with it all that waits for a service
 * which asks to be left in peace for a time. Gives whether it was given up.
 */
export async function fail(
  store: Store,
  delivery: Delivery,
  {
    error,
    retryAfterMs,
    isChannelDown,
  }: { error: string; retryAfterMs: number | null; isChannelDown: boolean },
  by: Writer,
): Promise<boolean> {
  if (isSpent(delivery)) {
    await store.atomically((trx) => giveUp(trx, delivery, error, by));
    return true;
  }
  const askedAt = by.nowMs + Math.min(retryAfterMs ?? 0, RETRY_MAX_MS);
  const change = { error, next_at: Math.max(delivery.next_at, askedAt), updated_at: by.nowMs };
  await store.atomically(async (trx) => {
    if (!(await update(trx, delivery, change))) return;
    if (isChannelDown && askedAt > by.nowMs) await holdBack(trx, delivery.channel, askedAt);
    const fields = { ...nameOf(delivery), error, attempt: delivery.attempts };
    afterCommit(trx, () => by.log.event("warn", "delivery_delayed", fields));
  });
  return false;
}

async function holdBack(trx: Trx, channel: string, untilMs: number): Promise<void> {
  await trx
    .updateTable("deliveries")
    .set({ next_at: untilMs })
    .where("channel", "=", channel)
    .where("state", "=", "pending")
    .where("next_at", "<", untilMs)
    .execute();
}

/** The owner has taken the receiver out of afk.yaml: that needs no alert. */
export async function drop(store: Store, delivery: Delivery, by: Writer): Promise<void> {
  const error = "the receiver was removed from the configuration";
  await store.atomically(async (trx) => {
    if (!(await update(trx, delivery, { state: "dead", error, updated_at: by.nowMs }))) return;
    afterCommit(trx, () => by.log.event("warn", "delivery_dropped", { ...nameOf(delivery), error }));
  });
}

/** Ends what waits under a key: its receiver has the result by another way. */
export async function markDelivered(trx: Trx, key: string, nowMs: number): Promise<void> {
  await trx
    .updateTable("deliveries")
    .set({ state: "delivered", error: null, updated_at: nowMs })
    .where("key", "=", key)
    .where("state", "!=", "delivered")
    .execute();
}

async function giveUp(trx: Trx, delivery: Delivery, error: string, by: Writer): Promise<void> {
  const { name, label, receiver, attempts, outcome, key } = delivery;
  if (!(await update(trx, delivery, { state: "dead", error, updated_at: by.nowMs }))) return;
  // How far a run was is old news, and its end is told of in any case.
  if (outcome === "progress") return;
  await by.announce(trx, {
    event: "delivery_failed",
    title: `A result of ${name} could not be delivered to ${receiver}`,
    message: `The result for ${label} was tried ${attempts} times: ${asSentence(endOfError(error))} It is kept. Mend the receiver, then: afk deliver ${name} --to ${receiver}`,
    subject: `${name}:${receiver}`,
    // A receiver that stays away is told of once a day.
    occurrence: dayIn(by.nowMs, by.timezone),
    job: key.slice(0, key.lastIndexOf(`:${receiver}`)),
  });
}

function nameOf({ name, receiver, channel, key }: Delivery) {
  return { name, receiver, channel, key };
}

function waitMs(attempts: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MS * RETRY_FACTOR ** (attempts - 1));
}

async function advance(
  store: Store,
  delivery: Delivery,
  change: Partial<Delivery>,
  nowMs: number,
): Promise<Delivery | null> {
  const isOurs = await store.atomically((trx) => update(trx, delivery, { ...change, updated_at: nowMs }));
  return isOurs ? { ...delivery, ...change } : null;
}

/** Only a delivery that still is as it was read: the tries, and the messages taken, are the fencing token. */
async function update(trx: Trx, delivery: Delivery, change: Updateable<DeliveriesTable>): Promise<boolean> {
  const result = await trx
    .updateTable("deliveries")
    .set(change)
    .where("key", "=", delivery.key)
    .where("state", "=", "pending")
    .where("attempts", "=", delivery.attempts)
    .where("parts_taken", "=", delivery.parts_taken)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
