import { HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import type { Db } from "../store/schema.ts";
import type { Delivery } from "./deliveries.ts";
import type { AlertPayload } from "./events.ts";

/** More than so many alerts of one event that are due on a channel go out as one message. */
export const FOLD_ABOVE = 5;
/** So many messages of one event in an hour are each sent at once; what follows is gathered. */
const AT_ONCE_MAX = 5;
const STORM_MS = HOUR_MS;
const GATHER_MS = 15 * MINUTE_MS;
/** Of the alerts that a message stands for, so many are named in it. */
const TITLES_SHOWN = 5;

/**
 * Groups what is due on one channel into messages, oldest first: an alert each, or one for all of an event when there are
 * more than `foldAbove`.
 */
export function foldStorms(due: Delivery[], foldAbove: number): Delivery[][] {
  const byEvent = Map.groupBy(due, ({ event }) => event);
  const messages: Delivery[][] = [];
  for (const delivery of due) {
    const alike = byEvent.get(delivery.event) ?? [];
    if (alike.length <= foldAbove) messages.push([delivery]);
    else if (alike[0] === delivery) messages.push(alike);
  }
  return messages;
}

/**
 * The events that are to wait on a channel, since enough was sent of them within the hour and a little while ago: what
 * comes in the meantime is then one message. It is read from what was sent, so that ticks and processes agree.
 */
export async function gathering(db: Db, channel: string, nowMs: number): Promise<Set<string>> {
  const rows = await db
    .selectFrom("alert_deliveries")
    .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
    .select((eb) => [
      "alerts.event",
      // The rows of one message were marked at one moment.
      eb.fn.count<number>("alert_deliveries.updated_at").distinct().as("messages"),
      eb.fn.max<number>("alert_deliveries.updated_at").as("last_at"),
    ])
    .where("state", "=", "sent")
    .where("channel", "=", channel)
    .where("alert_deliveries.updated_at", ">", nowMs - STORM_MS)
    .where("alert_deliveries.updated_at", "<=", nowMs)
    .groupBy("alerts.event")
    .execute();
  const waiting = rows.filter(
    ({ messages, last_at }) => Number(messages) >= AT_ONCE_MAX && nowMs - last_at < GATHER_MS,
  );
  return new Set(waiting.map(({ event }) => event));
}

/** What is sent for one or more deliveries of the same event: the first one's alert, and word of the others. */
export function payloadOf(deliveries: readonly [Delivery, ...Delivery[]]): AlertPayload {
  const parse = ({ payload }: Delivery) => JSON.parse(payload) as AlertPayload;
  const first = parse(deliveries[0]);
  const others = deliveries.slice(1).map(parse);
  const last = others.at(-1);
  if (last === undefined) return first;
  const titles = [...new Set(others.map(({ title }) => title))].filter((title) => title !== first.title);
  // One of an earlier version knows no local time.
  const until = last.date === undefined ? `${last.ts.slice(0, 16)}Z` : `${last.date} ${last.time ?? ""}`;
  const named = titles.slice(0, TITLES_SHOWN).join("; ");
  const more = titles.length > TITLES_SHOWN ? `; …` : "";
  return {
    ...first,
    title: `${first.title} (and ${others.length} more like it)`,
    message:
      `${first.message}\nAnd ${others.length} more like it until ${until}` +
      `${named === "" ? "" : `: ${named}${more}`}. All: afk logs --event ${first.event}`,
    key: `${first.key}+${others.length}:${last.key}`,
    count: deliveries.length,
    keys: [first.key, ...others.map(({ key }) => key)],
  };
}
