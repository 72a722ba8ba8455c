import type { AlertPayload } from "../alerts/events.ts";
import type { AlertDeliveriesTable, Db } from "../store/schema.ts";

/** An alert with what became of it. Instants in epoch milliseconds. */
export interface AlertView {
  at: number;
  event: string;
  severity: string;
  title: string;
  message: string;
  /** One for each channel that wanted it. */
  deliveries: { channel: string; state: AlertDeliveriesTable["state"]; error: string | null }[];
}

/** The newest `limit` alerts, newest first. */
export async function listAlerts(db: Db, limit: number): Promise<AlertView[]> {
  const alerts = await db
    .selectFrom("alerts")
    .select(["id", "event", "severity", "payload", "created_at"])
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  if (alerts.length === 0) return [];
  const deliveries = await db
    .selectFrom("alert_deliveries")
    .select(["alert_id", "channel", "state", "error"])
    .where(
      "alert_id",
      "in",
      alerts.map((alert) => alert.id),
    )
    .orderBy("channel")
    .execute();
  return alerts.map((alert) => {
    const { title, message } = JSON.parse(alert.payload) as AlertPayload;
    return {
      at: alert.created_at,
      event: alert.event,
      severity: alert.severity,
      title,
      message,
      deliveries: deliveries
        .filter((delivery) => delivery.alert_id === alert.id)
        .map(({ channel, state, error }) => ({ channel, state, error })),
    };
  });
}
