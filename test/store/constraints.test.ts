import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { Db } from "../../src/store/schema.ts";
import { testStore } from "../support/store.ts";

type Row = Record<string, string | number | null>;

/** A row that each table takes. */
const VALID: Record<string, Row> = {
  kill_switch: { id: 1, set_at: null, reason: null },
  breakers: {
    name: "model:ollama/test",
    state: "closed",
    failures: 0,
    until: null,
    cooldown_ms: 300_000,
    probe: null,
    reason: null,
    updated_at: 1,
  },
  budget_clock: { id: 1, latest_at: 1, anchor_at: 1, uptime_ms: 1, boot_id: "boot-1" },
  budget_windows: {
    window: "day",
    scope: "agent",
    period: "2026-11-21",
    ...{ cap_micros: 100, settled_micros: 60, reserved_micros: 40, overrun_micros: 0 },
    ...{ cap_tokens: 100, settled_tokens: 60, reserved_tokens: 40, overrun_tokens: 0 },
    ...{ cap_calls: 100, settled_calls: 60, reserved_calls: 40, overrun_calls: 0 },
  },
  open_periods: { window: "day", period: "2026-11-21", opened_at: 1, ends_at: 2 },
  ledger: {
    id: "entry",
    state: "reserved",
    model: "ollama/test",
    created_at: 1,
    deadline_at: 2,
    finished_at: null,
    estimate_micros: 0,
    estimate_tokens: 0,
    cost_micros: null,
    cost_tokens: null,
    minute: "2026-11-21T10:00",
    day: "2026-11-21",
    week: "2026-W47",
    month: "2026-11",
    degraded: 0,
  },
  jobs: {
    id: "job",
    key: "digest@2026-11-21",
    name: "digest",
    kind: "digest",
    payload: "null",
    state: "ready",
    attempts: 0,
    max_attempts: 5,
    run_at: 1,
    lease_until: null,
    token: 0,
    units: 0,
    by_hand: 0,
    slot_at: 1,
    label: "2026-11-21",
    created_at: 1,
    updated_at: 1,
  },
  ledger_days: {
    first_at: 1,
    day: "2026-11-21",
    week: "2026-W47",
    month: "2026-11",
    model: "ollama/test",
    job: "",
    client: "",
    state: "settled",
    calls: 1,
    counted: 1,
    degraded: 0,
    input_tokens: 1,
    output_tokens: 1,
    cost_micros: 1,
    cost_tokens: 2,
    estimate_micros: 1,
  },
  tick_days: { first_at: 1, outcome: "ok", ticks: 1, by_hand: 0, units: 1 },
  processes: {
    id: "process",
    job: "work",
    runner: "runner",
    containment: "namespace",
    pid: 1,
    started: "1",
    boot_id: "boot-1",
    cookie: "cookie",
    file_size_blocks: 1,
    created_at: 1,
  },
  taken_names: { kind: "job", name: "digest", taken_at: 1 },
  results: {
    ...{ job_id: "job", name: "digest", label: "2026-11-21", slot_at: 1, outcome: "done" },
    ...{ is_news: 1, report: "{}", created_at: 1 },
  },
  deliveries: {
    ...{ key: "digest@1:phone", job_id: "job", outcome: "done", receiver: "phone", channel: "ntfy:1" },
    ...{
      state: "pending",
      attempts: 0,
      parts_taken: 0,
      next_at: 1,
      error: null,
      created_at: 1,
      updated_at: 1,
    },
  },
  digest_items: {
    ...{
      id: "k3",
      job: "digest",
      item_key: "item",
      label: "2026-11-21",
      title: "Title",
      link: null,
      source: "feed",
    },
    ...{ summary: "", published_at: null, vote: null, rated_at: null, created_at: 1 },
  },
  questions: {
    ...{ id: "q", kind: "draft", subject: "draft", job: "digest", message: "Send?", detail: "{}" },
    ...{ state: "open", code_hash: null, asked_at: 1, sent_at: null },
    ...{ expires_at: 2, answered_at: null, answered_by: null },
  },
  cap_grants: {
    ...{ job: "digest@1", window: "job", amount: "micros" },
    ...{ period: "digest@1", cap: 1, extra: 1, question_id: "q", granted_at: 1 },
  },
  outputs: {
    name: "digest.md",
    job_id: "job",
    content: "",
    state: "pending",
    created_at: 1,
    published_at: null,
  },
  drafts: {
    id: "draft",
    job_id: "job",
    name: "reply",
    action: "send",
    content: "null",
    state: "pending",
    created_at: 1,
  },
  alerts: {
    id: "alert",
    key: "cap_hit:day",
    event: "cap_hit",
    severity: "warn",
    payload: "{}",
    created_at: 1,
  },
  alert_deliveries: {
    alert_id: "alert",
    channel: "ntfy:1",
    state: "pending",
    attempts: 0,
    next_at: 1,
    updated_at: 1,
  },
  ticks: {
    id: "tick",
    started_at: 1,
    finished_at: null,
    outcome: "running",
    units: 0,
    cost_micros: 0,
    by_hand: 0,
    version: "0.1.0",
  },
  robots: { origin: "https://example.org", verdict: "rules", body: "", fetched_at: 1 },
  drills: {
    id: "drill",
    name: "cap",
    passed: 1,
    version: "0.1.0",
    config_hash: "00",
    host: "vm",
    started_at: 1,
    finished_at: 2,
    figures: "{}",
    error: null,
    file: "drill-cap-2026-11-21.md",
  },
  clock: {
    id: 1,
    started_at: 1,
    day_zero: "2026-11-21",
    seen_day: "2026-11-21",
    version: "0.1.0",
    config_hash: "00",
  },
  clock_days: {
    day: "2026-11-21",
    count: 0,
    ticks: 1,
    outputs: 1,
    units: 1,
    failures: 0,
    cost_micros: 0,
    value_micros: 0,
    incidents: 0,
    attended: 0,
    note: null,
  },
  incidents: {
    id: "incident",
    event: "breaker_open",
    subject: "model:test",
    title: "model:test is not called for now",
    opened_at: 1,
    last_at: 1,
    count: 1,
  },
  gate: {
    ...{ id: 1, generation: 1, latest_at: 1, epoch: 0, system_id: "7", timeline: "00000001" },
    ...{ shift_ms: 0, clock_set: 0, level: "0002-b", level_min: "0001-a" },
  },
  database_events: { generation: 1, event: "failover_seen", at: 1, reason: "why" },
  machines: {
    ...{ id: "machine", part: "worker", runner: "machine.worker.1", name: "host", boot_id: "boot", pid: 1 },
    ...{ process_started: "1", version: "1", level: "1", started_at: 1, lease_until: 2, looked_at: 1 },
    clock_off_ms: 0,
  },
};

/** What each table refuses, as a change to its valid row. */
const REFUSED: [what: string, table: string, change: Row][] = [
  ["a second kill switch", "kill_switch", { id: 2 }],
  ["a reason for a kill switch that is off", "kill_switch", { reason: "why" }],
  ["a breaker state that does not exist", "breakers", { state: "ajar" }],
  ["a negative count of failures", "breakers", { failures: -1 }],
  ["a cooldown of nothing", "breakers", { cooldown_ms: 0 }],
  ["a closed breaker with an end", "breakers", { until: 5 }],
  ["an open breaker without an end", "breakers", { state: "open" }],
  ["a half-open breaker without a probe", "breakers", { state: "half_open", until: 5 }],
  ["an open breaker with a probe", "breakers", { state: "open", until: 5, probe: "entry" }],
  ["a blocked breaker with an end", "breakers", { state: "blocked", until: 5, reason: "why" }],
  ["a blocked breaker without a reason", "breakers", { state: "blocked" }],
  ["an open period of a window that is none of the calendar's", "open_periods", { window: "hour" }],
  ["an open period that ends before it is opened", "open_periods", { ends_at: 1 }],
  ["a drill that neither passed nor failed", "drills", { passed: 2 }],
  ["a failed drill without its error", "drills", { passed: 0 }],
  ["a second clock", "clock", { id: 2 }],
  ["a negative count of days", "clock_days", { count: -1 }],
  ["an attended flag that is no flag", "clock_days", { attended: 2 }],
  ["an attended day that counts", "clock_days", { attended: 1, count: 3 }],
  ["recipients that are half decided", "alerts", { is_routed: 2 }],
  ["an incident that never happened", "incidents", { count: 0 }],
  ["a closed incident without what a person sayss", "incidents", { closed_at: 2 }],
  ["a second budget clock", "budget_clock", { id: 2 }],
  ["a window that does not exist", "budget_windows", { window: "year" }],
  ["a tick that is a job's own", "budget_windows", { window: "tick", scope: "job:digest" }],
  ...["micros", "tokens", "calls"].flatMap((unit): [string, string, Row][] => [
    [
      `a negative cap in ${unit}`,
      "budget_windows",
      { [`cap_${unit}`]: -1, [`settled_${unit}`]: 0, [`reserved_${unit}`]: 0 },
    ],
    [`a negative sum of settled ${unit}`, "budget_windows", { [`settled_${unit}`]: -1 }],
    [`a negative sum of reserved ${unit}`, "budget_windows", { [`reserved_${unit}`]: -1 }],
    [`a negative overrun in ${unit}`, "budget_windows", { [`overrun_${unit}`]: -1, [`settled_${unit}`]: 0 }],
    [`a reservation over the cap by one of ${unit}`, "budget_windows", { [`reserved_${unit}`]: 41 }],
    [`a settlement over the cap by one of ${unit}`, "budget_windows", { [`settled_${unit}`]: 61 }],
  ]),
  ["an entry state that does not exist", "ledger", { state: "lost" }],
  ["a negative estimate", "ledger", { estimate_micros: -1 }],
  ["a negative bound in tokens", "ledger", { estimate_tokens: -1 }],
  ["a negative cost", "ledger", { state: "settled", cost_micros: -1, cost_tokens: 1 }],
  ["a negative cost in tokens", "ledger", { state: "settled", cost_micros: 1, cost_tokens: -1 }],
  ["a settled entry without a cost", "ledger", { state: "settled", cost_tokens: 1 }],
  ["a settled entry without its tokens", "ledger", { state: "settled", cost_micros: 1 }],
  ["an unknown entry with a cost", "ledger", { state: "unknown", cost_micros: 1 }],
  ["a degraded flag that is no flag", "ledger", { degraded: 2 }],
  ["a job state that does not exist", "jobs", { state: "paused" }],
  ["a negative count of attempts", "jobs", { attempts: -1 }],
  ["more attempts than are allowed", "jobs", { attempts: 6 }],
  ["a job that may never be tried", "jobs", { max_attempts: 0 }],
  ["a running job without a lease", "jobs", { state: "running" }],
  ["a ready job with a lease", "jobs", { lease_until: 5 }],
  ["a by-hand flag of a job that is no flag", "jobs", { by_hand: 2 }],
  ["an output state that does not exist", "outputs", { state: "lost" }],
  ["a published output without the moment", "outputs", { state: "published" }],
  ["a pending output with a moment of publishing", "outputs", { published_at: 1 }],
  ["a draft state that does not exist", "drafts", { state: "maybe" }],
  ["a draft that was tried without the moment", "drafts", { state: "unknown" }],
  ["a rejected draft without the moment", "drafts", { state: "rejected" }],
  ["a pending draft with a moment of decision", "drafts", { decided_at: 5 }],
  ["a done draft without what was done", "drafts", { state: "done", attempted_at: 4, decided_at: 5 }],
  ["a severity that does not exist", "alerts", { severity: "fatal" }],
  ["a delivery state that does not exist", "alert_deliveries", { state: "lost" }],
  ["a negative count of deliveries", "alert_deliveries", { attempts: -1 }],
  ["a tick outcome that does not exist", "ticks", { outcome: "great" }],
  ["a by-hand flag of a tick that is no flag", "ticks", { by_hand: 2 }],
  ["a tick that is over without its end", "ticks", { outcome: "ok" }],
  ["a running tick that has ended", "ticks", { finished_at: 2 }],
  ["a day of calls that have not ended", "ledger_days", { state: "unknown" }],
  ["a day of released calls that cost something", "ledger_days", { state: "released" }],
  ...["input_tokens", "output_tokens", "cost_micros", "cost_tokens", "estimate_micros"].map(
    (name): [string, string, Row] => [`a day with negative ${name}`, "ledger_days", { [name]: -1 }],
  ),
  ["a day of ticks that run", "tick_days", { outcome: "running" }],
  ["a process without a pid", "processes", { pid: 0 }],
  ["an outcome that does not exist", "results", { outcome: "lost" }],
  ["a delivery state that does not exist", "deliveries", { state: "sent" }],
  ["a vote that is none", "digest_items", { vote: 0 }],
  ["a question of no kind", "questions", { kind: "resume" }],
  ["an answer that does not exist", "questions", { state: "maybe" }],
  ["a grant of nothing", "cap_grants", { extra: 0 }],
  ["a grant beyond no cap", "cap_grants", { cap: 0 }],
  ["a taken name of a kind that does not exist", "taken_names", { kind: "table" }],
  ["a robots verdict that does not exist", "robots", { verdict: "perhaps" }],
  ["a second gate", "gate", { id: 2 }],
  ["a negative generation", "gate", { generation: -1 }],
  ["a negative epoch", "gate", { epoch: -1 }],
  ["a part of a machine that does not exist", "machines", { part: "judge" }],
  ["a migration that is to be known and was not done", "gate", { level_min: "0003-c" }],
  ["an event of the database that does not exist", "database_events", { event: "lost" }],
];

async function insert(db: Db, table: string, row: Row): Promise<void> {
  const columns = sql.join(Object.keys(row).map((name) => sql.ref(name)));
  await sql`insert or replace into ${sql.table(table)} (${columns}) values (${sql.join(Object.values(row))})`.execute(
    db,
  );
}

/** A store whose tables are empty, and do not ask for the rows they refer to. */
async function bareStore(): Promise<Db> {
  const { db } = await testStore();
  await sql`pragma foreign_keys = off`.execute(db);
  return db;
}

describe("the schema takes", () => {
  test.each(Object.entries(VALID))("a valid row of %s", async (table, row) => {
    await insert(await bareStore(), table, row);
  });

  test("a settlement that is over its cap by what the call overran its bound", async () => {
    const row = { ...VALID.budget_windows, settled_micros: 70, overrun_micros: 10 };
    await insert(await bareStore(), "budget_windows", row);
  });

  test("any sum in a window without a cap", async () => {
    await insert(await bareStore(), "budget_windows", { ...VALID.budget_windows, cap_micros: null });
  });
});

describe("the schema refuses", () => {
  test.each(REFUSED)("%s", async (_what, table, change) => {
    const row = { ...VALID[table], ...change };
    await expect(insert(await bareStore(), table, row)).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT_CHECK",
    });
  });

  test("something by each of its CHECK constraints", async () => {
    const db = await bareStore();
    const refusals = new Map<string, Set<string>>();
    for (const [, table, change] of REFUSED) {
      const refused = await insert(db, table, { ...VALID[table], ...change }).catch((error: Error) => error);
      refusals.set(table, (refusals.get(table) ?? new Set()).add(String(refused)));
    }
    const { rows } = await sql<{ name: string; text: string }>`
      select name, sql as text from sqlite_master where type = 'table' and sql like '%check (%'`.execute(db);
    const countsOf = (entries: [string, number][]) => Object.fromEntries(entries.sort());
    expect(countsOf([...refusals].map(([table, messages]) => [table, messages.size]))).toEqual(
      countsOf(rows.map(({ name, text }) => [name, text.match(/\bcheck \(/gi)?.length ?? 0])),
    );
  });

  test("two jobs with one key, two alerts with one key, and two drafts of one name in a job", async () => {
    const db = await bareStore();
    for (const table of ["jobs", "alerts", "drafts"]) {
      await insert(db, table, VALID[table]!);
      const columns = { ...VALID[table], id: "another" };
      const names = sql.join(Object.keys(columns).map((name) => sql.ref(name)));
      const again = sql`insert into ${sql.table(table)} (${names}) values (${sql.join(Object.values(columns))})`;
      await expect(again.execute(db)).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
    }
  });
});
