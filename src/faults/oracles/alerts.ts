import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

interface Alert {
  rowid: number;
  id: string;
  key: string;
  createdMs: number;
}

interface Delivery {
  alert: string;
  channel: string;
  state: "pending" | "sent" | "failed";
}

/** Alerts and their deliveries: none vanishes, and what counts as sent was received. */
export interface AlertsCheck {
  /** `received`: messages that the services took. What was made before `oldMs` and is not on its way may have been removed. */
  check(reader: Reader, received: number, oldMs: number, report: Report): void;
}

export function createAlertsCheck(): AlertsCheck {
  const alerts = new Map<string, Alert>();
  const deliveries = new Map<string, Delivery>();
  const pending = new Set<string>();
  let lastRow = 0;

  function checkAlerts(reader: Reader, oldMs: number, report: Report): void {
    const rows = reader.all<Alert>(
      "select rowid, id, key, created_at as createdMs from alerts where rowid > ? order by rowid",
      lastRow,
    );
    for (const row of rows) {
      lastRow = row.rowid;
      alerts.set(row.id, row);
    }
    const { count } = reader.one<{ count: number }>("select count(*) as count from alerts") ?? { count: 0 };
    if (count === alerts.size) return;
    const there = new Set(reader.all<{ id: string }>("select id from alerts").map(({ id }) => id));
    for (const [id, { key, createdMs }] of alerts) {
      if (there.has(id)) continue;
      if (createdMs >= oldMs || pending.has(id)) report("alerts", `the alert ${key} has vanished`);
      alerts.delete(id);
      for (const [name, delivery] of deliveries) if (delivery.alert === id) deliveries.delete(name);
    }
  }

  function checkDeliveries(reader: Reader, report: Report): void {
    const rows = reader.all<Delivery>("select alert_id as alert, channel, state from alert_deliveries");
    pending.clear();
    for (const row of rows) {
      const name = `${row.alert} ${row.channel}`;
      const before = deliveries.get(name)?.state ?? "pending";
      if (before !== "pending" && before !== row.state)
        report("alerts", `a delivery of ${alerts.get(row.alert)?.key} went from ${before} to ${row.state}`);
      deliveries.set(name, row);
      if (row.state === "pending") pending.add(row.alert);
    }
    if (rows.length < deliveries.size)
      report("alerts", `${deliveries.size} deliveries were on disk, and ${rows.length} are left`);
  }

  return {
    check(reader, received, oldMs, report) {
      checkAlerts(reader, oldMs, report);
      checkDeliveries(reader, report);
      // The rows of one message were marked at one moment.
      const sent = reader.one<{ messages: number }>(
        `select count(*) as messages from (select distinct channel, alert_deliveries.updated_at, event
         from alert_deliveries join alerts on alerts.id = alert_id where state = 'sent')`,
      );
      if ((sent?.messages ?? 0) > received)
        report("alerts", `${sent?.messages} messages count as sent, and ${received} were received`);
    },
  };
}
