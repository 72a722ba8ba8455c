import type { ChannelConfig } from "../alerts/channels/channel.ts";
import type { AlertPayload } from "../alerts/events.ts";
import { isWanted } from "../alerts/recipients.ts";
import type { Db } from "../store/schema.ts";

/** An alert with what became of it, on each channel that wanted it. Instants in epoch milliseconds. */
export type AlertView = Awaited<ReturnType<typeof listAlerts>>[number];

/** A storm is one entry, as it is one message; of more rows than this its beginning is out of sight. */
const ROWS_PER_ENTRY = 6;
const STORM_ABOVE = 3;

/** The newest alerts, newest first, in `limit` entries at most. `channels` are those of afk.yaml. */
export async function listAlerts(db: Db, channels: readonly ChannelConfig[], limit: number) {
  const alerts = await db
    .selectFrom("alerts")
    .select(["id", "event", "severity", "payload", "created_at", "is_routed"])
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit * ROWS_PER_ENTRY)
    .execute();
  if (alerts.length === 0) return [];
  const ids = alerts.map((alert) => alert.id);
  const deliveries = await db
    .selectFrom("alert_deliveries")
    .select(["alert_id", "channel", "state", "error", "attempts"])
    .where("alert_id", "in", ids)
    .orderBy("channel")
    .execute();
  const byAlert = Map.groupBy(deliveries, (delivery) => delivery.alert_id);
  const views = alerts.map((alert) => {
    const { title, message } = JSON.parse(alert.payload) as AlertPayload;
    const { created_at: at, event, severity } = alert;
    const fates = byAlert.get(alert.id) ?? [];
    return {
      ...{ at, event, severity, title, message },
      deliveries: fates.map(({ channel, state, error }) => ({ channel, state, error })),
      /** A channel wants it, and nothing has been tried yet: whoever delivers next sends it. */
      isUntried:
        (fates.length > 0 && fates.every(({ attempts }) => attempts === 0)) ||
        (alert.is_routed === 0 && channels.some((channel) => isWanted(channel, alert))),
    };
  });
  const runs: (typeof views)[] = [];
  const fate = (view?: (typeof views)[number]) => JSON.stringify([view?.event, view?.deliveries]);
  for (const view of views) {
    const run = runs.at(-1);
    if (run !== undefined && fate(run[0]) === fate(view)) run.push(view);
    else runs.push([view]);
  }
  // `more`: so many older ones of its event with the same fate are not listed, since it stands for them.
  const listed = runs.flatMap((run) =>
    run.length > STORM_ABOVE
      ? run.slice(0, 1).map((view) => ({ ...view, more: run.length - 1 }))
      : run.map((view) => ({ ...view, more: 0 })),
  );
  return listed.slice(0, limit);
}
