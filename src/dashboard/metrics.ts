import { MICROS_PER_USD } from "../lib/money.ts";
import { FINDINGS } from "../ops/condition/finding.ts";
import type { MachineStatus } from "../ops/fleet.ts";
import type { Snapshot } from "./snapshot.ts";

const TICK_OUTCOMES = ["ok", "idle", "halted", "failed", "crashed", "running"] as const;
const LEASE_STATES = ["live", "over", "lost", "ended"] as const;
const BREAKER_STATES = ["closed", "open", "half_open", "blocked"] as const;

/** A reply to a scraper. */
interface Metrics {
  contentType: string;
  text: string;
}

/** A value with its labels, or alone; null is left out. */
type Sample = number | null | readonly [labels: Record<string, string>, value: number];
type Metric = [name: string, help: string, samples: readonly Sample[]];

/**
 * The state in the text format of Prometheus; docs/metrics.md says what each is. Every one comes from the database, so
 * that a restart resets none, and the registry is made anew, so that a breaker that is gone leaves nothing behind.
 */
export async function renderMetrics(snapshot: Snapshot): Promise<Metrics> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const [name, help, all] of metricsOf(snapshot)) {
    const samples = all.filter((sample) => sample !== null);
    const [first] = samples;
    // Without a sample a metric with labels is described and has no value; one that has none is left out.
    if (first === undefined && all.length > 0) continue;
    const labelNames = Object.keys(typeof first === "object" ? first[0] : {});
    const options = { name, help, labelNames, registers: [registry] };
    const counter = name.endsWith("_total") ? new Counter(options) : null;
    const gauge = counter === null ? new Gauge(options) : null;
    for (const sample of samples) {
      const [labels, value] = typeof sample === "object" ? sample : [{}, sample];
      counter?.inc(labels, value);
      gauge?.set(labels, value);
    }
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function metricsOf({ status, health, sources, tickTotals, models: asked, known, at }: Snapshot): Metric[] {
  const { queue, lastTick } = status;
  // Labels are there from the first scrape, so that a rule need not wait for what it is about.
  const breakers = withKnown(status.breakers, known.breakers, (name) => ({
    ...{ name, state: "closed" as const, failures: 0, until: null, reason: null },
  }));
  const models = withKnown(
    asked.map((each) => ({ ...each, name: each.model })),
    known.models,
    (name) => ({ name, model: name, calls: 0, settledMicros: 0 }),
  );
  const own = status.spend.flatMap((row) =>
    row.capUsd === undefined ? [] : [{ ...row, labels: { window: row.window } }],
  );
  const capped = status.spend.flatMap(({ window, scope, unit, ...row }) =>
    row.capUsd === undefined && row.cap !== null ? [{ ...row, labels: { scope, window, unit } }] : [],
  );
  const amounts = (rows: typeof own | typeof capped, amount: "settled" | "reserved" | "cap"): Sample[] =>
    rows.flatMap(({ labels, ...row }) => {
      const value = row[amount];
      return value === null ? [] : [[labels, value] as const];
    });
  const seconds = (iso: string | null) => (iso === null ? null : Date.parse(iso) / 1000);
  const found = new Set<string>(status.findings.map(({ code }) => code));
  const begun = seconds(lastTick?.startedAt ?? null);
  const failed = sources.filter(({ error }) => error !== null).length;
  const states = breakers.flatMap(({ name, state: current }) =>
    BREAKER_STATES.map((state) => [{ breaker: name, state }, Number(current === state)] as const),
  );
  const clients = withKnown(status.gateway?.clients ?? [], known.clients, (name) => ({
    ...{ name, calls: 0, settledUsd: 0, reservedUsd: 0, lastCallAt: null, refused: 0, answeredAgain: 0 },
  }));
  const inState = (state: string) =>
    status.machines.filter(({ part, lease }) => part === "worker" && lease.state === state).length;
  const byMachine = (value: (machine: MachineStatus) => number) =>
    status.machines.map(
      (each) => [{ machine: each.id, part: each.part, name: each.name }, value(each)] as const,
    );
  const byClient = (value: "calls" | "settledUsd" | "reservedUsd" | "refused") =>
    clients.map((client) => [{ client: client.name }, client[value]] as const);
  return [
    [
      "afk_build_info",
      "Version of afk and name of the agent; always 1.",
      [[{ version: status.version, agent: status.agent }, 1]],
    ],
    ["afk_healthy", "1 when afk health says that the agent is fit to work.", [Number(health.isHealthy)]],
    [
      "afk_condition",
      "1 while the agent's state is so, by code; all 0 is all well.",
      Object.keys(FINDINGS).map((code) => [{ code }, Number(found.has(code))] as const),
    ],
    [
      "afk_worker",
      "1 while a worker is at work and not suspended.",
      [Number(status.worker.state === "working")],
    ],
    [
      "afk_machines",
      "Machines of the fleet by the state of their lease.",
      LEASE_STATES.map((state) => [{ state }, inState(state)] as const),
    ],
    [
      "afk_machine_live",
      "1 while the machine takes part in the fleet.",
      byMachine(({ lease }) => Number(lease.state === "live")),
    ],
    ["afk_machine_jobs", "Jobs that the machine runs.", byMachine(({ jobs }) => jobs.length)],
    ["afk_machine_calls", "Calls that the machine has under way.", byMachine(({ calls }) => calls)],
    [
      "afk_machine_looked_timestamp_seconds",
      "When the machine last looked at the kill switch.",
      byMachine(({ lookedAt }) => seconds(lookedAt) ?? 0),
    ],
    [
      "afk_machine_clock_offset_seconds",
      "How far the machine's clock is ahead of the database's.",
      byMachine(({ clockOffMs }) => clockOffMs / 1000),
    ],
    ["afk_killed", "1 while the kill switch is set.", [Number(status.killed !== null)]],
    ["afk_spend_settled_usd", "Settled in the window as it stands now.", amounts(own, "settled")],
    ["afk_spend_reserved_usd", "Reserved in the window, unknown calls included.", amounts(own, "reserved")],
    ["afk_spend_cap_usd", "Cap of the window; absent where there is none.", amounts(own, "cap")],
    [
      "afk_window_settled",
      "Settled under a cap in another unit, or of a job or a client.",
      amounts(capped, "settled"),
    ],
    [
      "afk_window_reserved",
      "Reserved under such a cap, unknown calls included.",
      amounts(capped, "reserved"),
    ],
    ["afk_window_cap", "Such a cap.", amounts(capped, "cap")],
    [
      "afk_gateway_up",
      "1 while a process serves the gateway and is not suspended.",
      [Number(status.gateway?.state === "working")],
    ],
    [
      "afk_gateway_unknown_keys",
      "Requests of today without a valid key.",
      [status.gateway?.unknownKeys ?? 0],
    ],
    ["afk_client_calls", "Calls of a client today.", byClient("calls")],
    ["afk_client_settled_usd", "Settled for a client today.", byClient("settledUsd")],
    ["afk_client_reserved_usd", "Reserved for it, unknown calls included.", byClient("reservedUsd")],
    ["afk_client_refused", "Requests of a client that were refused today.", byClient("refused")],
    [
      "afk_model_calls",
      "Calls of a model in the last 60 minutes.",
      models.map(({ model, calls }) => [{ model }, calls] as const),
    ],
    [
      "afk_model_settled_usd",
      "Settled for a model in the last 60 minutes.",
      models.map(({ model, settledMicros }) => [{ model }, settledMicros / MICROS_PER_USD] as const),
    ],
    ["afk_calls_unknown", "Calls whose outcome is unknown.", [status.unknown.calls]],
    ["afk_calls_unknown_usd", "What unknown calls are charged at.", [status.unknown.usd]],
    ["afk_breaker_state", "1 for the state that the breaker is in.", states],
    [
      "afk_breaker_failures",
      "Failures in a row while closed.",
      breakers.map(({ name, failures }) => [{ breaker: name }, failures] as const),
    ],
    [
      "afk_jobs",
      "Jobs by state.",
      (["ready", "running", "done"] as const).map((state) => [{ state }, queue[state]] as const),
    ],
    ["afk_dead_letters", "Jobs that wait for a person.", [queue.dead]],
    ["afk_drafts_pending", "Drafts that wait for approval.", [status.drafts.pending]],
    ["afk_alert_deliveries_pending", "Deliveries of alerts on their way.", [status.alerts.pending]],
    ["afk_alert_deliveries_failed", "Deliveries of alerts that were given up.", [status.alerts.failed]],
    ["afk_result_deliveries_pending", "Results on their way to a receiver.", [status.deliveries.pending]],
    ["afk_result_deliveries_dead", "Deliveries of results that were given up.", [status.deliveries.dead]],
    [
      "afk_ticks_total",
      "Ticks by outcome, since the database was made.",
      TICK_OUTCOMES.map((outcome) => [{ outcome }, tickTotals[outcome] ?? 0] as const),
    ],
    ["afk_last_tick_timestamp_seconds", "When the last tick began.", [begun]],
    [
      "afk_last_tick_age_seconds",
      "Seconds since the last tick began.",
      [begun === null ? null : at / 1000 - begun],
    ],
    ["afk_next_due_timestamp_seconds", "When the next job is due.", [seconds(status.nextDueAt)]],
    [
      "afk_sources",
      "Sources of digests by how the last run found them.",
      [
        [{ state: "ok" }, sources.length - failed],
        [{ state: "failed" }, failed],
      ],
    ],
  ];
}

/** What there is, and for what is known by its name and not there a row that says that nothing has happened. */
function withKnown<Row extends { name: string }>(
  rows: readonly Row[],
  names: readonly string[],
  calm: (name: string) => Row,
): Row[] {
  const there = new Set(rows.map(({ name }) => name));
  return [...rows, ...names.filter((name) => !there.has(name)).map(calm)];
}
