import type { Clock } from "../lib/clock.ts";
import { toIso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { withoutHidden } from "../lib/visible.ts";
import type { Trx } from "../store/schema.ts";
import { afterCommit } from "../store/store.ts";
import type { ChannelConfig } from "./channels/channel.ts";
import { ALERT_EVENTS, type AlertPayload, levelOf } from "./events.ts";
import { noteIncident } from "./incidents.ts";
import { channelsFor } from "./wanted.ts";

/** An alert as the code that raises it knows it; the outbox adds who, when and how bad. */
export type Notice = Omit<AlertPayload, "version" | "agent" | "severity" | "ts">;

/**
 * Records a notice in a section of `store.atomically`: it commits with that or not at all. After the commit it is logged
 * (`alerted: false` when its key was recorded before; else `channels`, how many it goes to), and a new one is handed to
 * `onAlert`. One whose key is known already is logged again, unless `repeats` says that it is evaluated over and over and
 * only its first time says something.
 */
export type Announce = (trx: Trx, notice: Notice, repeats?: "logged" | "quiet") => Promise<void>;

export interface Outbox {
  /** Takes secrets out of text that will be kept: errors repeat what servers and files said. */
  redact: (text: string) => string;
  announce: Announce;
}

export interface OutboxOptions {
  agent: string;
  clock: Clock;
  log: Log;
  /** Alerts leave the machine, so what is secret is taken out before they are kept. */
  redact: (text: string) => string;
  /** So that the log can say whether anybody will hear of it. Delivery is decided when it is done (deliver.ts). */
  channels?: readonly ChannelConfig[];
  onAlert?: ((alert: AlertPayload) => void) | undefined;
}

export function createOutbox(options: OutboxOptions): Outbox {
  return {
    redact: options.redact,
    async announce(trx, notice, repeats = "logged") {
      const payload = payloadOf(options, notice);
      const nowMs = options.clock.nowMs();
      const isNew = await insert(trx, payload, nowMs);
      await noteIncident(trx, payload, { isNew, nowMs });
      if (!isNew && repeats === "quiet") return;
      const channels = isNew ? await channelsFor(trx, options.channels ?? [], payload) : [];
      afterCommit(trx, () => tell(options, { payload, isNew, heardBy: channels.length }));
    },
  };
}

function payloadOf(options: OutboxOptions, notice: Notice): AlertPayload {
  const ts = toIso(options.clock.nowMs());
  const plain = (text: string) => withoutHidden(options.redact(text));
  const told = { title: plain(notice.title), message: plain(notice.message) };
  return { version: 1, agent: options.agent, severity: ALERT_EVENTS[notice.event], ts, ...notice, ...told };
}

/** True when the alert is new; the same key twice is once. */
async function insert(trx: Trx, payload: AlertPayload, nowMs: number): Promise<boolean> {
  const result = await trx
    .insertInto("alerts")
    .values({
      id: newId(nowMs),
      key: payload.key,
      event: payload.event,
      severity: payload.severity,
      payload: JSON.stringify(payload),
      created_at: nowMs,
    })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

function tell(
  options: OutboxOptions,
  { payload, isNew, heardBy }: { payload: AlertPayload; isNew: boolean; heardBy: number },
): void {
  const { version: _version, agent: _agent, severity: _severity, ts: _ts, event, ...fields } = payload;
  options.log.event(levelOf(event), event, {
    ...fields,
    alerted: isNew,
    // What became of it there is told by alert_sent, alert_delayed and alert_failed, which name the key.
    ...(isNew && { channels: heardBy }),
  });
  if (isNew && options.onAlert !== undefined) hand(options, options.onAlert, payload);
}

/** The listener is the library user's code: what it throws is told, and changes nothing here. */
function hand(
  options: OutboxOptions,
  onAlert: (alert: AlertPayload) => unknown,
  payload: AlertPayload,
): void {
  const tellFailure = (error: unknown) =>
    options.log.event("error", "alert_failed", {
      channel: "onAlert",
      key: payload.key,
      error: messageOf(error),
    });
  try {
    // It may be async, and a rejection that nobody handles would end the process.
    Promise.resolve(onAlert(payload)).catch(tellFailure);
  } catch (error) {
    tellFailure(error);
  }
}
