import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";
import { watchRows } from "./rows.ts";

interface Alert {
  id: string;
  key: string;
  createdMs: number;
}

interface Delivery {
  id: string;
  alert: string;
  state: "pending" | "sent" | "failed";
}

/**
 * Alerts and their deliveries: none vanishes, and what counts as sent was received. `received`: messages that the services
 * took. What was made before `oldMs` and is not on its way may have been removed.
 */
export function createAlertsCheck(report: Report): (reader: Reader, received: number, oldMs: number) => void {
  const observeAlerts = watchRows<Alert>("select id, key, created_at as createdMs from alerts");
  const observeDeliveries = watchRows<Delivery>(
    "select alert_id || ' ' || channel as id, alert_id as alert, state from alert_deliveries",
  );

  return (reader, received, oldMs) => {
    const alerts = observeAlerts(reader);
    const deliveries = observeDeliveries(reader);
    const pending = new Set(
      deliveries.gone.filter(({ state }) => state === "pending").map(({ alert }) => alert),
    );
    for (const { id, key, createdMs } of alerts.gone) {
      if (createdMs >= oldMs || pending.has(id)) report("alerts", `the alert ${key} has vanished`);
    }
    for (const { before, now } of deliveries.changed) {
      if (before.state !== "pending")
        report("alerts", `the delivery ${now.id} went from ${before.state} to ${now.state}`);
    }
    for (const { id, alert } of deliveries.gone)
      if (alerts.rows.has(alert)) report("alerts", `the delivery ${id} has vanished`);
    // The rows of one message were marked at one moment.
    const sent = reader.one<{ messages: number }>(
      `select count(*) as messages from (select distinct channel, alert_deliveries.updated_at, event
         from alert_deliveries join alerts on alerts.id = alert_id where state = 'sent')`,
    );
    if ((sent?.messages ?? 0) > received)
      report("alerts", `${sent?.messages} messages count as sent, and ${received} were received`);
  };
}
