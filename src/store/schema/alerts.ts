import type { Generated } from "kysely";

/** One alert as it was written. */
export interface AlertsTable {
  id: string;
  /** Made of event, subject and occurrence (keyOf in alerts/events.ts). */
  key: string;
  event: string;
  /** What it is about; empty for the agent itself. */
  subject: Generated<string>;
  /** Which time of that: an id, a period, an instant. */
  occurrence: Generated<string>;
  /** Its age for retention counts from here: when it was written, or later where the clock was set back before it. */
  kept_from: Generated<number>;
  /** 1: who gets it is decided, and its deliveries are there. */
  is_routed: Generated<number>;
  severity: string;
  /** AlertPayload, JSON. */
  payload: string;
  created_at: number;
}

/** The channels that the worker took over last, whose alerts every process writes. */
export interface AlertChannelsTable {
  name: string;
  /** As in alert_deliveries. */
  channel: string;
  /** The events that it asks for, JSON; null is all that is more than information. */
  events: string | null;
}

/** Which channels the alerts of a job go to, where its entry in afk.yaml says so, as the worker took it over last. */
export interface AlertRoutesTable {
  job: string;
  /** Names of channels, JSON. */
  channels: string;
}

/** One alert on its way to one channel. */
export interface AlertDeliveriesTable {
  alert_id: string;
  /** The channel's identity: its type and a hash of its address, never the address. */
  channel: string;
  state: "pending" | "sent" | "failed";
  attempts: number;
  next_at: number;
  error: string | null;
  updated_at: number;
}
