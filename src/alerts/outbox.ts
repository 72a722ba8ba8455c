import type { Clock } from "../lib/clock.ts";
import { toIso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { localParts, withLocalTimes } from "../lib/local-time.ts";
import type { Log } from "../lib/log.ts";
import { withoutHidden } from "../lib/visible.ts";
import type { Trx } from "../store/schema.ts";
import { afterCommit } from "../store/store.ts";
import { ALERT_EVENTS, type AlertPayload, keyOf, levelOf } from "./events.ts";
import { noteIncident } from "./incidents.ts";
import { addDeliveries } from "./recipients.ts";

/**
 * An alert as the code that raises it knows it; the outbox adds who, when and how bad. Two with the same event, subject and
 * occurrence are one (keyOf in events.ts says what these are).
 */
export interface Notice extends Omit<AlertPayload, "version" | "agent" | "severity" | "ts" | "key"> {
  subject: string;
  occurrence: string;
}

/**
 * Records a notice, and who gets it, in a section of `store.atomically`: they commit with that or not at all. After the
 * commit it is logged (`alerted: false` when its key was recorded before; else `channels`, how many it goes to), and a new
 * one is handed to `onAlert`. One whose key is known already is logged again, unless `repeats` says that it is evaluated
 * over and over and only its first time says something.
 */
export type Announce = (trx: Trx, notice: Notice, repeats?: "logged" | "quiet") => Promise<void>;

/** Where the agent's alerts are written, for delivery afterwards. */
export interface Outbox {
  /** Takes secrets out of text that will be kept: errors repeat what servers and files said. */
  redact: (text: string) => string;
  announce: Announce;
}

/** What an outbox is made from. */
export interface OutboxOptions {
  agent: string;
  clock: Clock;
  log: Log;
  /** Alerts leave the machine, so what is secret is taken out before they are kept. */
  redact: (text: string) => string;
  /** In which alerts say when something was. */
  timezone: string;
  onAlert?: ((alert: AlertPayload) => void) | undefined;
}

/** The outbox: an alert commits with its incident and with a delivery for each channel that gets it, or not at all. */
export function createOutbox(options: OutboxOptions): Outbox {
  return {
    redact: options.redact,
    async announce(trx, notice, repeats = "logged") {
      const nowMs = options.clock.nowMs();
      const { agent, redact, timezone } = options;
      const payload = payloadOf(notice, { agent, redact, timezone, nowMs });
      const id = await insert(trx, notice, payload, nowMs);
      await noteIncident(trx, notice, payload, { isNew: id !== null, nowMs });
      if (id === null && repeats === "quiet") return;
      const channels = id === null ? null : await addDeliveries(trx, { ...notice, ...payload, id }, nowMs);
      afterCommit(trx, () => {
        log(options, payload, id !== null, channels);
        if (id !== null) notifyListener(options, payload);
      });
    },
  };
}

/**
 * Keeps the most that a call needed that was refused by the cap of a recorded alert, in dollars or in the cap's unit: an alert is
 * recorded once per period, and a larger call may be refused later in it.
 */
export async function noteNeed(trx: Trx, notice: Notice): Promise<void> {
  const alert = trx.selectFrom("alerts").select(["id", "payload"]).where("key", "=", keyOf(notice));
  const found = await alert.executeTakeFirst();
  if (found === undefined) return;
  const payload = JSON.parse(found.payload) as AlertPayload;
  for (const amount of ["neededUsd", "needed"] as const) {
    const [known, needed] = [payload[amount], notice[amount]];
    if (known === undefined || needed === undefined || needed <= known) continue;
    const changed = JSON.stringify({ ...payload, [amount]: needed });
    await trx.updateTable("alerts").set({ payload: changed }).where("id", "=", found.id).execute();
  }
}

/** What is sent for a notice. */
export function payloadOf(
  { subject, occurrence, ...notice }: Notice,
  by: { agent: string; redact: (text: string) => string; timezone: string; nowMs: number },
): AlertPayload {
  const plain = (text: string) => withLocalTimes(withoutHidden(by.redact(text)), by.timezone);
  return {
    version: 1,
    agent: by.agent,
    severity: ALERT_EVENTS[notice.event],
    ts: toIso(by.nowMs),
    ...localParts(by.nowMs, by.timezone),
    key: keyOf({ event: notice.event, subject, occurrence }),
    ...notice,
    title: plain(notice.title),
    message: plain(notice.message),
  };
}

/** The id of the alert, or null when its key is known: the same key twice is once. */
async function insert(
  trx: Trx,
  { subject, occurrence }: Notice,
  payload: AlertPayload,
  nowMs: number,
): Promise<string | null> {
  const { key, event, severity } = payload;
  const id = newId(nowMs);
  const newest = trx.selectFrom("alerts").select("kept_from as latest").orderBy("kept_from", "desc").limit(1);
  const { latest = 0 } = (await newest.executeTakeFirst()) ?? {};
  const row = { id, key, event, subject, occurrence, severity, kept_from: Math.max(nowMs, latest) };
  const result = await trx
    .insertInto("alerts")
    .values({ ...row, payload: JSON.stringify(payload), created_at: nowMs })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n ? id : null;
}

function log(options: OutboxOptions, payload: AlertPayload, isNew: boolean, channels: number | null): void {
  const { version: _version, agent: _agent, severity: _severity, event, ...told } = payload;
  const { ts: _ts, date: _date, time: _time, ...fields } = told;
  // alert_sent, alert_delayed and alert_failed say what became of it on its channels, and name the key.
  const about = { ...fields, alerted: isNew, ...(channels !== null && { channels }) };
  options.log.event(levelOf(event), event, about);
}

/** The listener is the library user's code: what it throws is logged, and changes nothing here. */
function notifyListener({ onAlert, log }: OutboxOptions, payload: AlertPayload): void {
  const logFailure = (error: unknown) =>
    log.event("error", "alert_failed", { channel: "onAlert", key: payload.key, error: messageOf(error) });
  try {
    // It may be async, and a rejection that nobody handles would end the process.
    Promise.resolve<unknown>(onAlert?.(payload)).catch(logFailure);
  } catch (error) {
    logFailure(error);
  }
}
