import { isDeepStrictEqual } from "node:util";
import type { Selectable } from "kysely";
import { DAY_MS } from "../lib/durations.ts";
import type { Log } from "../lib/log.ts";
import type { AlertChannelsTable, AlertsTable } from "../store/schema/alerts.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { ChannelConfig } from "./channels/channel.ts";
import { channelId } from "./channels/registry.ts";
import { HOST_CHANNEL } from "./channels/schema.ts";
import { correctedOf } from "./corrected.ts";
import { addDelivery, failAll, moveAll } from "./deliveries.ts";
import type { AlertEvent, AlertPayload } from "./events.ts";
import { type About, routeOf } from "./routes.ts";

type Alert = Pick<Selectable<AlertsTable>, "id" | "event" | "subject" | "severity"> & About;

/** A channel as the database knows it: by its id, and never by its address. */
type Recipient = Omit<AlertChannelsTable, "events"> & { on: string[] | null };

/** Alerts from before are history; they are not sent. */
export const HISTORY_MS = 30 * DAY_MS;
/** So many are looked at in one go. */
export const ALERTS_MAX = 1_000;

/** Whether a channel asks for an alert: what its `on` names, or else everything that is more than information. */
export function isWanted({ on }: Pick<Recipient, "on">, alert: { event: string; severity: string }): boolean {
  return on === null ? alert.severity !== "info" : on.includes(alert.event);
}

/**
 * Writes down who gets an alert, in the transaction that writes the alert: the channels that the worker took over last, so
 * that it makes no difference which process raises it. Gives how many they are; null where none was ever taken over, and
 * `addMissingDeliveries` decides.
 */
export async function addDeliveries(trx: Trx, alert: Alert, nowMs: number): Promise<number | null> {
  const recipients = await readRecipients(trx);
  return recipients.length === 0 ? null : await decide(trx, recipients, alert, nowMs);
}

/** Decides for the alerts that were written while no channel was known. */
export async function addMissingDeliveries(
  store: Store,
  channels: readonly ChannelConfig[],
  nowMs: number,
): Promise<void> {
  const missing = (db: Db) => {
    const written = db
      .selectFrom("alerts")
      .where("is_routed", "=", 0)
      .orderBy("id", "desc")
      .limit(ALERTS_MAX);
    const recent = written.where("created_at", ">=", nowMs - HISTORY_MS);
    return recent.select(["id", "event", "subject", "severity", "payload"]).execute();
  };
  if (channels.length === 0 || (await missing(store.db)).length === 0) return;
  await store.atomically(async (trx) => {
    const known = await readRecipients(trx);
    const recipients = known.length > 0 ? known : recipientsOf(channels);
    // Oldest first: who gets good news depends on who got the trouble before it.
    for (const { payload, ...alert } of (await missing(trx)).reverse()) {
      const { window, scope, job } = JSON.parse(payload) as AlertPayload;
      const about = { ...(window && { window }), ...(scope && { scope }), ...(job && { job }) };
      await decide(trx, recipients, { ...alert, ...about }, nowMs);
    }
  });
}

/**
 * Takes over the channels of the configuration, as the worker does before a tick: alerts are written for these from now on.
 * What waits for a channel goes on to its new name or, where it is certain that it is the same one (`correctedOf`), to its new
 * address; what waits for one that is gone is given up, and the log says so. Where there is no channel at all, nothing changes.
 */
export async function takeOverChannels(
  store: Store,
  channels: readonly ChannelConfig[],
  by: { nowMs: number; log: Log },
): Promise<void> {
  const wanted = recipientsOf(channels);
  if (wanted.length === 0 || isDeepStrictEqual(await readRecipients(store.db), wanted)) return;
  await store.atomically(async (trx) => {
    const known = await readRecipients(trx);
    for (const gone of known) {
      const { name, channel } = gone;
      if (wanted.some((each) => each.channel === channel)) continue;
      const corrected = correctedOf(gone, known, wanted);
      if (corrected !== undefined) await moveAll(trx, channel, corrected.channel, by.nowMs);
      // A tick in a shell without ALERT_WEBHOOK, as a rule: what waits is for the worker, which has it.
      else if (name !== HOST_CHANNEL)
        await failAll(trx, channel, "the channel was removed from the configuration", by);
    }
    await trx.deleteFrom("alert_channels").execute();
    for (const { on, ...each } of wanted)
      await trx
        .insertInto("alert_channels")
        .values({ ...each, events: on && JSON.stringify(on) })
        .execute();
  });
}

/**
 * The occurrence of a trouble that lasts, by its alerts: the newest one whose end was not announced. Null when none
 * lasts. Read from the alerts themselves, which commit with what they tell of, so that one outage is one alert however
 * long it lasts, and its end is one. Occurrences are days, so that a thing that comes and goes alerts once a day.
 */
export async function lastsSince(
  db: Db,
  { trouble, end, subject }: { trouble: AlertEvent; end: AlertEvent; subject: string },
): Promise<string | null> {
  const about = (event: AlertEvent) =>
    db.selectFrom("alerts").select("occurrence").where("event", "=", event).where("subject", "=", subject);
  const newest = await about(trouble).orderBy("occurrence", "desc").limit(1).executeTakeFirst();
  if (newest === undefined) return null;
  const ended = await about(end).where("occurrence", "=", newest.occurrence).executeTakeFirst();
  return ended === undefined ? newest.occurrence : null;
}

async function readRecipients(db: Db): Promise<Recipient[]> {
  const rows = await db.selectFrom("alert_channels").selectAll().execute();
  return rows.map(({ events, ...row }) => ({ ...row, on: events && JSON.parse(events) })).sort(byName);
}

function recipientsOf(channels: readonly ChannelConfig[]): Recipient[] {
  return channels
    .map((config) => ({ name: config.name, channel: channelId(config), on: config.on }))
    .sort(byName);
}

const byName = (a: Recipient, b: Recipient) => (a.name < b.name ? -1 : 1);

async function decide(trx: Trx, recipients: Recipient[], alert: Alert, nowMs: number): Promise<number> {
  const informed = await informedOfTrouble(trx, alert);
  const route = await routeOf(trx, alert);
  const named = recipients.filter(({ name }) => route?.includes(name) ?? true);
  // A channel that is gone from the configuration must not take the alerts of a job with it.
  const reached = named.length === 0 ? recipients : named;
  const wanting = reached.filter((each) => isWanted(each, alert) || informed.includes(each.channel));
  const channels = new Set(wanting.map(({ channel }) => channel));
  for (const channel of channels) await addDelivery(trx, alert.id, channel, nowMs);
  await trx.updateTable("alerts").set({ is_routed: 1 }).where("id", "=", alert.id).execute();
  return channels.size;
}

/** Good news, and the trouble that it ends. */
const TROUBLE: Partial<Record<string, AlertEvent>> = {
  breaker_closed: "breaker_open",
  source_recovered: "source_failed",
};

/** The channels that got the trouble that an alert ends: they want to know that it is over, whatever they ask for. */
async function informedOfTrouble(db: Db, { event, subject }: Alert): Promise<string[]> {
  const trouble = TROUBLE[event];
  if (trouble === undefined) return [];
  const alike = db
    .selectFrom("alerts")
    .select("id")
    .where("event", "=", trouble)
    .where("subject", "=", subject);
  const rows = await db
    .selectFrom("alert_deliveries")
    .select("channel")
    .where("alert_id", "=", alike.orderBy("id", "desc").limit(1))
    // What is still pending is on its way, and comes before the good news.
    .where("state", "in", ["sent", "pending"])
    .execute();
  return rows.map(({ channel }) => channel);
}
