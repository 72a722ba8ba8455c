import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { joinSignals } from "../lib/signals.ts";
import type { Db } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { ChannelConfig, SendResult } from "./channels/channel.ts";
import { channelId } from "./channels/registry.ts";
import { claim, conclude, type Delivery, dueOn, failStale, isSpent } from "./deliveries.ts";
import { FOLD_ABOVE, foldStorms, gathering, payloadOf } from "./fold.ts";
import { addMissingDeliveries } from "./recipients.ts";
import { sendAlert } from "./send.ts";

/** What one run of deliveries needs, and its bounds. */
export interface DeliverOptions {
  store: Store;
  channels: ChannelConfig[];
  /** The id of the one channel to send to; all unless stated. */
  only?: string;
  clock: Clock;
  /** The time by which alerts grow old, where the wall clock may be ahead of it; the wall clock's unless stated. */
  agingMs?: number;
  log: Log;
  /** Ends the delivery; what was not sent stays pending. */
  signal: AbortSignal;
  /** Bound on the whole run. 20 s unless stated. */
  limitMs?: number;
  /** Bound on one try. 5 s unless stated. */
  timeoutMs?: number;
  /** Above so many due alerts of one event, a channel gets one message for all. 5 unless stated. */
  foldAbove?: number;
}

/** Counts of this run, in alerts and not in messages; `pending` is what a later tick will try again. */
export interface Delivered {
  sent: number;
  failed: number;
  pending: number;
}

/**
 * Sends what waits for the channels given. What fails is tried again by later ticks, five times in all, further and further
 * apart. A storm of one event is folded into one message. The channels are served side by side, so that one that hangs
 * keeps no other waiting. Throws only when the database does.
 */
export async function deliverAlerts(options: DeliverOptions): Promise<Delivered> {
  const { store, channels, clock, log } = options;
  const { db } = store;
  const nowMs = clock.nowMs();
  await addMissingDeliveries(store, channels, nowMs);
  const stale = await failStale(store, options.agingMs ?? nowMs, { nowMs, log });

  using limit = joinSignals([options.signal], options.limitMs ?? LIMIT_MS);
  const run = { ...options, signal: limit.signal, left: MESSAGES_MAX };
  const byId = new Map(channels.map((config) => [channelId(config), config]));
  const served = [...byId].filter(([channel]) => options.only === undefined || channel === options.only);
  const counts = await Promise.all(served.map(([channel, config]) => serve(run, channel, config)));

  const left = db.selectFrom("alert_deliveries").where("state", "=", "pending");
  return {
    sent: counts.reduce((sum, count) => sum + count.sent, 0),
    failed: counts.reduce((sum, count) => sum + count.failed, stale),
    ...(await left.select((e) => e.fn.countAll<number>().as("pending")).executeTakeFirstOrThrow()),
  };
}

/** When something is to be tried next on one of these channels; null when nothing waits for them. */
export async function nextRetryAt(db: Db, channels: readonly ChannelConfig[]): Promise<number | null> {
  const ids = channels.map(channelId);
  if (ids.length === 0) return null;
  const waiting = db
    .selectFrom("alert_deliveries")
    .where("state", "=", "pending")
    .where("channel", "in", ids);
  const { at } = await waiting.select((e) => e.fn.min("next_at").as("at")).executeTakeFirstOrThrow();
  return at;
}

const LIMIT_MS = 20_000;
const MESSAGES_MAX = 200;
/** A storm may be longer than what one run can send. */
const DUE_MAX = 1_000;

type Run = DeliverOptions & { left: number };

/** Sends what is due on one channel, oldest first, until it is done, the channel is down, or the run is over. */
async function serve(run: Run, channel: string, config: ChannelConfig) {
  const { clock, signal, foldAbove = FOLD_ABOVE } = run;
  const { db } = run.store;
  const count = { sent: 0, failed: 0 };
  const nowMs = clock.nowMs();
  const gathered =
    foldAbove === Number.POSITIVE_INFINITY ? new Set<string>() : await gathering(db, channel, nowMs);
  // Left out before they are counted: a long storm of one event must not hide the others behind it.
  const due = await dueOn(db, channel, { nowMs, limit: DUE_MAX, without: gathered });
  for (const deliveries of foldStorms(due, foldAbove)) {
    if (signal.aborted || run.left === 0) break;
    run.left -= 1;
    const { sent, failed, isChannelDown } = await attempt(run, config, deliveries);
    count.sent += sent;
    count.failed += failed;
    if (isChannelDown) break;
  }
  return count;
}

/** One try at one message, which stands for one delivery or for more. */
async function attempt(run: Run, config: ChannelConfig, deliveries: Delivery[]) {
  const { store, clock, log, signal, timeoutMs } = run;
  const [spent, fresh] = [deliveries.filter(isSpent), deliveries.filter((delivery) => !isSpent(delivery))];
  await conclude(store, spent, BROKEN_OFF, { nowMs: clock.nowMs(), log });

  // 1. The intent. A crash during the request then costs one attempt and at most one repeat.
  const claimed = await claim(store, fresh, clock.nowMs());
  const [first, ...others] = claimed;
  if (first === undefined) return { sent: 0, failed: spent.length, isChannelDown: false };

  // 2. The effect. No transaction is open here.
  const payload = payloadOf([first, ...others]);
  const { result } = await sendAlert(payload, config, { signal, timeoutMs, nowMs: clock.nowMs() });

  // 3. The outcome.
  await conclude(store, claimed, result, { nowMs: clock.nowMs(), log });
  if (result.ok) return { sent: claimed.length, failed: spent.length, isChannelDown: false };
  const failed = spent.length + claimed.filter(isSpent).length;
  return { sent: 0, failed, isChannelDown: result.isChannelDown };
}

/** What is known of a try after which nothing was written down. */
const BROKEN_OFF: SendResult = {
  ok: false,
  error: "the last try was broken off",
  retryAfterMs: null,
  isChannelDown: false,
};
