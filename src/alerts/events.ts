import type { Level } from "../lib/log.ts";

/** How bad an alert is, the mildest first. */
export type Severity = "info" | "warn" | "error";

/** Every event that is an alert too, with how bad it is. */
export const ALERT_EVENTS = {
  tick_failed: "error",
  tick_missed: "warn",
  job_dead: "error",
  expectation_missed: "error",
  call_unknown: "warn",
  cap_hit: "warn",
  threshold_cross: "warn",
  overrun: "error",
  breaker_open: "warn",
  breaker_closed: "info",
  model_refuses: "warn",
  source_failed: "info",
  source_recovered: "info",
  kill_set: "warn",
  wedged: "error",
  process_left: "error",
  machine_lost: "error",
  heartbeat_late: "error",
  no_output: "warn",
  recovered: "warn",
  unusable: "error",
  clock_jump: "warn",
  state_rolled_back: "error",
  failover_seen: "error",
  draft_pending: "warn",
  approval_asked: "warn",
  unit_failed: "error",
  disk_low: "error",
  output_set_aside: "error",
  delivery_failed: "error",
  day_attended: "info",
  clock_reached: "warn",
  config_refused: "error",
  drift_found: "warn",
  value_low: "warn",
  remote_refused: "warn",
  alert_test: "warn",
} as const satisfies Record<string, Severity>;

/** The name of an event that is an alert too. */
export type AlertEvent = keyof typeof ALERT_EVENTS;

/** The level of its line in the log. What need not reach a phone may be what somebody at the log looks for. */
export function levelOf(event: AlertEvent): Level {
  return event === "source_failed" ? "warn" : ALERT_EVENTS[event];
}

/**
 * The deduplication key of an alert. `subject` is what it is about (`model:ollama/x`, a job, a window; empty for the agent
 * itself), `occurrence` which time of that: an id, a period, an instant.
 */
export function keyOf(alert: { event: string; subject: string; occurrence: string }): string {
  return [alert.event, alert.subject, alert.occurrence].filter((part) => part !== "").join(":");
}

/**
 * What a channel delivers (docs/alerts.md). Fields that do not apply are left out.
 * `key` is the deduplication key: a second alert with the same key is never recorded.
 */
export interface AlertPayload {
  version: 1;
  event: AlertEvent;
  agent: string;
  severity: Severity;
  /** ISO 8601, UTC. */
  ts: string;
  /** The same in the agent's time zone: its day (`2026-11-21`) and its time (`14:05`). */
  date?: string;
  time?: string;
  title: string;
  message: string;
  key: string;
  period?: string;
  window?: string;
  /** Per cent of the cap that is spent or reserved, rounded down. */
  pct?: number;
  threshold?: number;
  capUsd?: number;
  spentUsd?: number;
  /** Of a cap in another unit than dollars: `tokens` or `calls`, with the cap and what is spent or reserved of it. */
  unit?: string;
  cap?: number;
  spent?: number;
  /** The most that the call could take that a cap refused, in dollars or in the cap's unit. */
  neededUsd?: number;
  needed?: number;
  /** Whose cap it is, unless the agent's: `job:digest`, `client:laptop`. */
  scope?: string;
  job?: string;
  tick?: string;
  /** The source of a digest, as the digest names it. */
  source?: string;
  /** How many alerts this message stands for, when a storm of them was folded into one; and the keys of all. */
  count?: number;
  keys?: string[];
}
