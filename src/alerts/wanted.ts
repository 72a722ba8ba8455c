import { sql } from "kysely";
import type { Db } from "../store/schema.ts";
import type { ChannelConfig } from "./channels/channel.ts";
import { channelId } from "./channels/registry.ts";
import type { AlertEvent } from "./events.ts";

/** Whether a channel asks for an alert: what its `on` names, or else everything that is more than information. */
export function isWanted(config: ChannelConfig, alert: { event: string; severity: string }): boolean {
  return config.on === null ? alert.severity !== "info" : config.on.includes(alert.event);
}

/** Good news, and the trouble that it ends. The keys of both begin with event and thing, and end in what is once only. */
const TROUBLE: Partial<Record<AlertEvent, AlertEvent>> = {
  breaker_closed: "breaker_open",
  source_recovered: "source_failed",
};

/**
 * The channels that get an alert: those that ask for it, and for good news those that were told of the trouble, whatever
 * they ask for: who was woken wants to know that it is over.
 */
export async function channelsFor(
  db: Db,
  channels: readonly ChannelConfig[],
  alert: { key: string; event: string; severity: string },
): Promise<string[]> {
  const wanted = channels.filter((config) => isWanted(config, alert)).map(channelId);
  const ids = new Set(channels.map(channelId));
  const told = (await toldOfTrouble(db, alert)).filter((channel) => ids.has(channel));
  return [...new Set([...wanted, ...told])];
}

async function toldOfTrouble(db: Db, alert: { key: string; event: string }): Promise<string[]> {
  const trouble = TROUBLE[alert.event as AlertEvent];
  if (trouble === undefined) return [];
  const thing = alert.key.slice(alert.event.length, alert.key.lastIndexOf(":") + 1);
  const prefix = `${trouble}${thing}`;
  const latest = await db
    .selectFrom("alerts")
    .select("id")
    .where("event", "=", trouble)
    .where("key", ">=", prefix)
    .where("key", "<", `${prefix}:`)
    // What follows is a number, and no further part of another thing's name.
    .where(sql<boolean>`instr(substr(key, ${prefix.length + 1}), ':') = 0`)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (latest === undefined) return [];
  const rows = await db
    .selectFrom("alert_deliveries")
    .select("channel")
    .where("alert_id", "=", latest.id)
    // What is still pending is on its way, and comes before the good news.
    .where("state", "in", ["sent", "pending"])
    .execute();
  return rows.map(({ channel }) => channel);
}
