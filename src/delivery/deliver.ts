import type { SendResult } from "../alerts/channels/channel.ts";
import type { Outbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { ReceiverConfig } from "../config/deliver.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { joinSignals } from "../lib/signals.ts";
import type { Store } from "../store/store.ts";
import { type Part, paceMs, partsOf } from "./parts.ts";
import { quietUntil } from "./quiet-hours.ts";
import { readResult } from "./read-results.ts";
import { channelOfTarget, receiverOf, receiversAt } from "./receivers.ts";
import {
  claim,
  conclude,
  type Delivery,
  drop,
  fail,
  isSentThere,
  isSpent,
  partTaken,
  pendingDeliveries,
  putOff,
  type Writer,
} from "./rows.ts";

/** What one run of deliveries needs, and its bounds. */
interface DeliverResultsOptions {
  store: Store;
  /** Whose receivers hold now: what waits goes to the address that its receiver has there. */
  config: Config;
  /** The one that is served, as `targetsOf` names it. */
  target: string;
  outbox: Pick<Outbox, "announce">;
  clock: Clock;
  log: Log;
  /** Ends the delivery; what was not sent stays pending. */
  signal: AbortSignal;
  /** Bound on the whole run. 30 s unless stated. */
  limitMs?: number;
  /** Bound on one message. 10 s unless stated. */
  timeoutMs?: number;
}

const LIMIT_MS = 30_000;
const TIMEOUT_MS = 10_000;
/** What a service asks to wait for no longer than this is waited for at once, in the middle of a result. */
const PATIENCE_MS = 10_000;

/**
 * Sends the results that are due at one target, oldest first and one message at a time, until it is done, the target is down,
 * or the run is over; gives how many were delivered and how many given up. What fails is tried again by later runs, seven times
 * in all, further and further apart; what a receiver took of several messages it does not get again. Throws only when the
 * database does.
 */
export async function deliverResults(
  options: DeliverResultsOptions,
): Promise<{ delivered: number; failed: number }> {
  const count = { delivered: 0, failed: 0 };
  const planned = await waitingFor(options);
  if (planned.length === 0) return count;
  using limit = joinSignals([options.signal], options.limitMs ?? LIMIT_MS);
  const run = { ...options, signal: limit.signal };
  for (const each of planned) {
    if (run.signal.aborted) break;
    const delivery = await ready(run, each);
    if (delivery === null) continue;
    const outcome = await attempt(run, { ...each, delivery });
    if (outcome === "delivered") count.delivered += 1;
    if (outcome === "dead") count.failed += 1;
    if (outcome === "down") break;
  }
  return count;
}

/** Gives up what waits for receivers that were taken out of afk.yaml, as the worker does before a tick. */
export async function dropRemoved(
  by: Pick<DeliverResultsOptions, "store" | "config" | "outbox" | "clock" | "log">,
): Promise<void> {
  for (const delivery of await pendingDeliveries(by.store.db))
    if (receiverOf(by.config.jobs, delivery) === undefined) await drop(by.store, delivery, writer(by));
}

type Run = DeliverResultsOptions;
interface Planned {
  delivery: Delivery;
  receiver: ReceiverConfig;
}

async function waitingFor({ store, config, target, clock }: Run): Promise<Planned[]> {
  const receivers = receiversAt(config, target);
  const pending = await pendingDeliveries(store.db, { target, receivers, nowMs: clock.nowMs() });
  return pending.flatMap((delivery) => {
    const receiver = receiverOf(config.jobs, delivery);
    return receiver !== undefined && channelOfTarget(receiver.target) === target
      ? [{ delivery, receiver }]
      : [];
  });
}

const writer = ({ clock, log, outbox, config }: Pick<Run, "clock" | "log" | "outbox" | "config">): Writer => {
  return { nowMs: clock.nowMs(), timezone: config.timezone, log, announce: outbox.announce };
};

/** The delivery where it may be sent now; null where it waits, or is given up. One whose address was corrected begins anew. */
async function ready(run: Run, { delivery, receiver }: Planned): Promise<Delivery | null> {
  const { store, clock, config, target } = run;
  const nowMs = clock.nowMs();
  const isMoved = delivery.channel !== target;
  // An entry that went, and another that has its name by now: that one gets its own.
  if (isMoved && (await isSentThere(store.db, delivery, target))) {
    await drop(store, delivery, writer(run));
    return null;
  }
  const anew = { channel: target, attempts: 0, parts_taken: 0, next_at: nowMs };
  const current = isMoved ? await putOff(store, delivery, anew, nowMs) : delivery;
  if (current === null) return null;
  const { quietHours } = receiver;
  const quietMs = quietHours === null ? null : quietUntil(quietHours, config.timezone, nowMs);
  if (quietMs === null) return current;
  await putOff(store, current, { next_at: quietMs }, nowMs);
  return null;
}

type Outcome = "delivered" | "dead" | "delayed" | "down" | "lost";

/** One try at one result, message by message. */
async function attempt(run: Run, { delivery, receiver }: Planned): Promise<Outcome> {
  const { store, clock, config } = run;
  if (isSpent(delivery)) {
    await fail(store, delivery, BROKEN_OFF, writer(run));
    return "dead";
  }
  const result = await readResult(store.db, delivery, config);
  if (result === null) return "lost";
  const parts = partsOf(result, receiver.target, { db: store.db, config });

  // 1. The intent. A crash during a message then costs one attempt and at most one repeat.
  let current = await claim(store, delivery, clock.nowMs());
  for (let index = delivery.parts_taken; current !== null && index < parts.length; index++) {
    if (index > delivery.parts_taken) await rest(paceMs(receiver.target), run.signal);
    // The run is over between two messages, which is no failure of the receiver.
    if (run.signal.aborted && index > delivery.parts_taken) {
      await putOff(store, current, { next_at: clock.nowMs() }, clock.nowMs());
      return "delayed";
    }
    const part = parts[index];
    // 2. The effect. No transaction is open here.
    const sent = part === undefined ? TAKEN : await sendPatiently(run, part);
    // 3. The outcome.
    if (!sent.ok) {
      const isDead = await fail(store, current, sent, writer(run));
      return isDead ? "dead" : sent.isChannelDown ? "down" : "delayed";
    }
    if (index < parts.length - 1) current = await partTaken(store, current, clock.nowMs());
  }
  if (current === null) return "lost";
  await conclude(store, current, writer(run));
  return "delivered";
}

const TAKEN: SendResult = { ok: true };
const BROKEN_OFF = { error: "the last try was broken off", retryAfterMs: null, isChannelDown: false };

/** A service that asks for a moment's patience gets it once, unless it is the run's end before. */
async function sendPatiently(run: Run, part: Part): Promise<SendResult> {
  const { signal, clock, timeoutMs = TIMEOUT_MS } = run;
  const how = () => ({ signal, timeoutMs, nowMs: clock.nowMs() });
  const { result } = await part(how());
  if (result.ok || result.retryAfterMs === null || result.retryAfterMs > PATIENCE_MS) return result;
  await rest(result.retryAfterMs, signal);
  return signal.aborted ? result : (await part(how())).result;
}

/** Real time: what is waited for is a service, which goes by it. An abort ends it. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await systemClock.sleep(ms, signal).catch(() => undefined);
}
