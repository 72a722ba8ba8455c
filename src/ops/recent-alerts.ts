import type { ChannelConfig } from "../alerts/channels/channel.ts";
import type { AlertPayload } from "../alerts/events.ts";
import { isWanted } from "../alerts/recipients.ts";
import type { AlertDeliveriesTable } from "../store/schema/alerts.ts";
import type { Db } from "../store/schema.ts";

/** An alert with what became of it. Instants in epoch milliseconds. */
export interface AlertView {
  at: number;
  event: string;
  severity: string;
  title: string;
  message: string;
  /** One for each channel that wanted it. */
  deliveries: { channel: string; state: AlertDeliveriesTable["state"]; error: string | null }[];
  /** A channel wants it, and nothing has been tried yet: whoever delivers next sends it. */
  isUntried: boolean;
  /** So many older ones of its event with the same fate are not listed: it stands for them. */
  more: number;
}

/** A storm is one entry, as it is one message; of more rows than this its beginning is out of sight. */
const ROWS_PER_ENTRY = 6;
const STORM_ABOVE = 3;

/** The newest alerts, newest first, in `limit` entries at most. `channels` are those of afk.yaml. */
export async function listAlerts(
  db: Db,
  channels: readonly ChannelConfig[],
  limit: number,
): Promise<AlertView[]> {
  const alerts = await db
    .selectFrom("alerts")
    .select(["id", "event", "severity", "payload", "created_at", "is_routed"])
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit * ROWS_PER_ENTRY)
    .execute();
  if (alerts.length === 0) return [];
  const deliveries = await db
    .selectFrom("alert_deliveries")
    .select(["alert_id", "channel", "state", "error", "attempts"])
    .where(
      "alert_id",
      "in",
      alerts.map((alert) => alert.id),
    )
    .orderBy("channel")
    .execute();
  const byAlert = Map.groupBy(deliveries, (delivery) => delivery.alert_id);
  const views = alerts.map((alert): AlertView => {
    const { title, message } = JSON.parse(alert.payload) as AlertPayload;
    const fates = byAlert.get(alert.id) ?? [];
    return {
      at: alert.created_at,
      event: alert.event,
      severity: alert.severity,
      title,
      message,
      deliveries: fates.map(({ channel, state, error }) => ({ channel, state, error })),
      isUntried:
        (fates.length > 0 && fates.every(({ attempts }) => attempts === 0)) ||
        (alert.is_routed === 0 && channels.some((channel) => isWanted(channel, alert))),
      more: 0,
    };
  });
  return stormsFolded(views).slice(0, limit);
}

function stormsFolded(views: AlertView[]): AlertView[] {
  const runs: [first: AlertView, ...others: AlertView[]][] = [];
  const fate = ({ event, deliveries }: AlertView) => JSON.stringify([event, deliveries]);
  for (const view of views) {
    const run = runs.at(-1);
    if (run !== undefined && fate(run[0]) === fate(view)) run.push(view);
    else runs.push([view]);
  }
  return runs.flatMap((run) => (run.length > STORM_ABOVE ? [{ ...run[0], more: run.length - 1 }] : run));
}
