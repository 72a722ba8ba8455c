import type { Message } from "../world/receivers.ts";
import type { Books } from "./books.ts";
import type { Report } from "./invariant.ts";

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
  /** What was made before `oldMs` and is not on its way may have been removed. */
  check(books: Books, messages: readonly Message[], oldMs: number, report: Report): void;
}

export function createAlertsCheck(): AlertsCheck {
  const alerts = new Map<string, Alert>();
  const deliveries = new Map<string, Delivery>();
  const pending = new Set<string>();
  let lastRow = 0;

  function checkAlerts(books: Books, oldMs: number, report: Report): void {
    const rows = books.all<Alert>(
      "select rowid, id, key, created_at as createdMs from alerts where rowid > ? order by rowid",
      lastRow,
    );
    for (const row of rows) {
      lastRow = row.rowid;
      alerts.set(row.id, row);
    }
    const { count } = books.one<{ count: number }>("select count(*) as count from alerts") ?? { count: 0 };
    if (count === alerts.size) return;
    const there = new Set(books.all<{ id: string }>("select id from alerts").map(({ id }) => id));
    for (const [id, { key, createdMs }] of alerts) {
      if (there.has(id)) continue;
      if (createdMs >= oldMs || pending.has(id)) report("alerts", `the alert ${key} has vanished`);
      alerts.delete(id);
      for (const [name, delivery] of deliveries) if (delivery.alert === id) deliveries.delete(name);
    }
  }

  function checkDeliveries(books: Books, report: Report): void {
    const rows = books.all<Delivery>("select alert_id as alert, channel, state from alert_deliveries");
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
    check(books, messages, oldMs, report) {
      checkAlerts(books, oldMs, report);
      checkDeliveries(books, report);
      // The rows of one message were marked at one moment.
      const sent = books.one<{ messages: number }>(
        `select count(*) as messages from (select distinct channel, alert_deliveries.updated_at, event
         from alert_deliveries join alerts on alerts.id = alert_id where state = 'sent')`,
      );
      if ((sent?.messages ?? 0) > messages.length)
        report("alerts", `${sent?.messages} messages count as sent, and ${messages.length} were received`);
    },
  };
}
