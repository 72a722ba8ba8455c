import type { ChannelConfig } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Db } from "../store/schema.ts";
import { channelId } from "./channels/registry.ts";
import { addDeliveries, claim, type Delivery, dueOn, failStale, finish, postpone } from "./deliveries.ts";
import type { AlertPayload } from "./events.ts";
import { SEND_TIMEOUT_MS, sendAlert } from "./send.ts";

export interface DeliverOptions {
  db: Db;
  channels: ChannelConfig[];
  clock: Clock;
  log: Log;
  /** Ends the delivery; what was not sent stays pending. */
  signal: AbortSignal;
  /** Bound on the whole run. 20 s unless stated. */
  limitMs?: number;
  /** Bound on one try. 5 s unless stated. */
  timeoutMs?: number;
}

/** Counts of this run; `pending` is what a later tick will try again. */
export interface Delivered {
  sent: number;
  failed: number;
  pending: number;
}

/**
 * Sends recorded alerts through the channels that want them. What fails is tried again by later ticks, five
 * times in all, further and further apart. The channels are served side by side, so that one that hangs keeps
 * no other waiting. Throws only when the database does.
 */
export async function deliverAlerts(options: DeliverOptions): Promise<Delivered> {
  const { db, channels, clock, log } = options;
  const nowMs = clock.nowMs();
  await addDeliveries(db, channels, nowMs);
  const stale = await failStale(db, nowMs, log);

  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.limitMs ?? LIMIT_MS)]);
  const run = { ...options, signal, left: DELIVERIES_MAX };
  const byId = new Map(channels.map((config) => [channelId(config), config]));
  const counts = await Promise.all([...byId].map(([channel, config]) => serve(run, channel, config)));

  const { pending } = await db
    .selectFrom("alert_deliveries")
    .select((e) => e.fn.countAll<number>().as("pending"))
    .where("state", "=", "pending")
    .executeTakeFirstOrThrow();
  return {
    sent: counts.reduce((sum, count) => sum + count.sent, 0),
    failed: counts.reduce((sum, count) => sum + count.failed, stale),
    pending,
  };
}

const LIMIT_MS = 20_000;
const DELIVERIES_MAX = 200;
const ATTEMPTS_MAX = 5;

type Run = DeliverOptions & { left: number };

/** Sends what is due on one channel, oldest first, until it is done, the channel is down, or the run is over. */
async function serve(
  run: Run,
  channel: string,
  config: ChannelConfig,
): Promise<{ sent: number; failed: number }> {
  const count = { sent: 0, failed: 0, pending: 0 };
  for (const delivery of await dueOn(run.db, channel, run.clock.nowMs(), DELIVERIES_MAX)) {
    if (run.signal.aborted || run.left === 0) break;
    run.left -= 1;
    const { state, isChannelDown } = await attempt(run, config, delivery);
    count[state] += 1;
    if (isChannelDown) break;
  }
  return count;
}

interface Attempted {
  state: "sent" | "failed" | "pending";
  isChannelDown: boolean;
}

async function attempt(run: Run, config: ChannelConfig, delivery: Delivery): Promise<Attempted> {
  const { db, clock, log, signal, timeoutMs = SEND_TIMEOUT_MS } = run;
  if (delivery.attempts >= ATTEMPTS_MAX) {
    await finish(db, delivery, { state: "failed", error: "the last try was broken off" }, clock.nowMs(), log);
    return { state: "failed", isChannelDown: false };
  }

  // 1. The intent. A crash during the request then costs one attempt and at most one repeat.
  const claimed = await claim(db, delivery, clock.nowMs());
  if (claimed === null) return { state: "pending", isChannelDown: false };

  // 2. The effect. No transaction is open here.
  const payload = JSON.parse(delivery.payload) as AlertPayload;
  const result = await sendAlert(payload, config, { signal, timeoutMs, nowMs: clock.nowMs() });

  // 3. The outcome.
  const nowMs = clock.nowMs();
  if (result.ok) {
    await finish(db, claimed, { state: "sent", error: null }, nowMs, log);
    return { state: "sent", isChannelDown: false };
  }
  const { error, isChannelDown } = result;
  if (claimed.attempts >= ATTEMPTS_MAX) {
    await finish(db, claimed, { state: "failed", error }, nowMs, log);
    return { state: "failed", isChannelDown };
  }
  await postpone(db, claimed, { error, retryAfterMs: result.retryAfterMs }, nowMs, log);
  return { state: "pending", isChannelDown };
}
