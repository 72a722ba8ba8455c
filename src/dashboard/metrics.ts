import type { Registry } from "prom-client";
import type { Snapshot } from "./snapshot.ts";

const TICK_OUTCOMES = ["ok", "idle", "halted", "failed", "crashed", "running"] as const;
const BREAKER_STATES: Snapshot["status"]["breakers"][number]["state"][] = [
  "closed",
  "open",
  "half_open",
  "blocked",
];

/** A reply to a scraper. */
export interface Metrics {
  contentType: string;
  text: string;
}

/**
 * The state in the text format of Prometheus; docs/metrics.md says what each is. Every one comes from the database, so
 * that a restart resets none, and the registry is made anew, so that a breaker that is gone leaves nothing behind.
 */
export async function renderMetrics(snapshot: Snapshot): Promise<Metrics> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry: Registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: number | null) => {
    if (value !== null) new Gauge({ name, help, registers }).set(value);
  };
  const family = (
    name: string,
    help: string,
    rows: readonly (readonly [Record<string, string>, number])[],
  ) => {
    const labelNames = Object.keys(rows[0]?.[0] ?? {});
    const made = new Gauge({ name, help, labelNames, registers });
    for (const [labels, value] of rows) made.set(labels, value);
  };
  const { status, health } = snapshot;

  family("afk_build_info", "Version of afk and name of the agent; always 1.", [
    [{ version: status.version, agent: status.agent }, 1],
  ]);
  gauge("afk_healthy", "1 when afk health says that the agent is fit to work.", Number(health.isHealthy));
  gauge(
    "afk_worker",
    "1 while a worker is at work and not suspended.",
    Number(status.worker.state === "working"),
  );
  gauge("afk_killed", "1 while the kill switch is set.", Number(status.killed !== null));

  const own = status.spend.flatMap((row) =>
    row.capUsd === undefined ? [] : [{ ...row, labels: { window: row.window } }],
  );
  family(
    "afk_spend_settled_usd",
    "Settled in the window as it stands now.",
    own.map(({ labels, settled }) => [labels, settled] as const),
  );
  family(
    "afk_spend_reserved_usd",
    "Reserved in the window, unknown calls included.",
    own.map(({ labels, reserved }) => [labels, reserved] as const),
  );
  family(
    "afk_spend_cap_usd",
    "Cap of the window; absent where there is none.",
    own.flatMap(({ labels, cap }) => (cap === null ? [] : [[labels, cap] as const])),
  );
  const capped = status.spend.flatMap(({ window, scope, unit, cap, ...row }) =>
    row.capUsd === undefined && cap !== null ? [{ ...row, cap, labels: { scope, window, unit } }] : [],
  );
  family(
    "afk_window_settled",
    "Settled under a cap in another unit, or of a job or a client.",
    capped.map(({ labels, settled }) => [labels, settled] as const),
  );
  family(
    "afk_window_reserved",
    "Reserved under such a cap, unknown calls included.",
    capped.map(({ labels, reserved }) => [labels, reserved] as const),
  );
  family(
    "afk_window_cap",
    "Such a cap.",
    capped.map(({ labels, cap }) => [labels, cap] as const),
  );
  gauge("afk_calls_unknown", "Calls whose outcome is unknown.", status.unknown.calls);
  gauge("afk_calls_unknown_usd", "What unknown calls are charged at.", status.unknown.usd);

  family(
    "afk_breaker_state",
    "1 for the state that the breaker is in.",
    status.breakers.flatMap(({ name, state: current }) =>
      BREAKER_STATES.map((state) => [{ breaker: name, state }, Number(current === state)] as const),
    ),
  );
  family(
    "afk_breaker_failures",
    "Failures in a row while closed.",
    status.breakers.map(({ name, failures }) => [{ breaker: name }, failures] as const),
  );

  const { ready, running, done, dead } = status.queue;
  family(
    "afk_jobs",
    "Jobs by state.",
    Object.entries({ ready, running, done }).map(([state, value]) => [{ state }, value] as const),
  );
  gauge("afk_dead_letters", "Jobs that wait for a person.", dead);
  gauge("afk_drafts_pending", "Drafts that wait for approval.", status.drafts.pending);
  gauge("afk_alert_deliveries_pending", "Deliveries of alerts on their way.", status.alerts.pending);
  gauge("afk_alert_deliveries_failed", "Deliveries of alerts that were given up.", status.alerts.failed);

  const ticks = new Counter({
    name: "afk_ticks_total",
    help: "Ticks by outcome, since the database was made.",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of TICK_OUTCOMES) ticks.inc({ outcome }, snapshot.tickTotals[outcome] ?? 0);
  const seconds = (iso: string | null) => (iso === null ? null : Date.parse(iso) / 1000);
  const begun = seconds(status.lastTick?.startedAt ?? null);
  gauge("afk_last_tick_timestamp_seconds", "When the last tick began.", begun);
  gauge(
    "afk_last_tick_age_seconds",
    "Seconds since the last tick began.",
    begun === null ? null : snapshot.at / 1000 - begun,
  );
  gauge("afk_next_due_timestamp_seconds", "When the next job is due.", seconds(status.nextDueAt));
  family("afk_sources", "Sources of digests by how the last run found them.", [
    [{ state: "ok" }, snapshot.sources.filter(({ error }) => error === null).length],
    [{ state: "failed" }, snapshot.sources.filter(({ error }) => error !== null).length],
  ]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}
