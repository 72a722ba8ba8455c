import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openStore } from "../../src/store/sqlite/open.ts";

/** When the prepared database is looked at: a Saturday morning in Berlin. */
export const PREPARED_NOW = Date.parse("2026-11-21T09:30:00Z");

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An afk.yaml that fits the prepared database. */
export const PREPARED_CONFIG = {
  agent: "morning-digest",
  timezone: "Europe/Berlin",
  budget: { daily_cap_usd: 1, hourly_cap_usd: 0.25, monthly_cap_usd: 20 },
  models: { chain: ["ollama/qwen2.5:3b", "extractive"] },
  egress: { allow: ["news.example.org", "api.github.com"] },
  heartbeat: { grace: "30m" },
  jobs: [
    {
      name: "digest",
      kind: "digest",
      schedule: "0 6 * * *",
      sources: [
        { feed: "https://news.example.org/rss", name: "Harbour news" },
        { github: "octo-org/octo-repo" },
        { folder: "./inbox", name: "Inbox" },
        { feed: "https://news.example.org/old", name: "Tide tables" },
      ],
    },
    { name: "triage", kind: "exec", every: "4h", command: ["./triage.sh"] },
    { name: "weekly", kind: "exec", schedule: "0 18 * * 5", command: ["./weekly.sh"] },
  ],
};

const DIGEST = `# Digest for 2026-11-21

> The harbour opens its new lock a week early, and the tide gauge project ships a release that reads the old sensors again.

3 new items from 4 sources. 1 source failed, named at the end.

*(all summaries by ollama/qwen2.5:3b)*

## [New lock opens on Monday](https://news.example.org/lock)

*Harbour news, 2026-11-20*

The lock opens a week before its date. Ships of up to 120 metres may pass from Monday, at first by day only.

## [v2.4.0](https://github.com/octo-org/octo-repo/releases/tag/v2.4.0)

*octo-org/octo-repo, 2026-11-20*

The release reads sensors of the first generation again, and halves the memory that a year of readings takes.

## Minutes of the pilots' meeting

*Inbox, 2026-11-19*

The pilots ask for a second radio channel from January. A decision is due on 4 December.

## Failing sources

- Tide tables: news.example.org answered 503
`;

/** A month in the life of an agent, the same every time, written through the real schema. */
export async function prepareDatabase(path: string, options: { isCalm?: boolean } = {}): Promise<void> {
  mkdirSync(join(path, ".."), { recursive: true });
  await (await openStore(path)).close();
  const database = new Database(path);
  database.pragma("foreign_keys = ON");
  database.transaction(() => fill(database, options.isCalm ?? false))();
  database.close();
}

function fill(database: Database.Database, isCalm: boolean): void {
  const insert = (table: string, row: Record<string, unknown>) => {
    const names = Object.keys(row);
    const columns = names.map((name) => `"${name}"`).join(", ");
    database
      .prepare(`insert into ${table} (${columns}) values (${names.map(() => "?").join(", ")})`)
      .run(...Object.values(row));
  };
  spend(insert, isCalm);
  ticks(insert, isCalm);
  work(insert, isCalm);
  if (!isCalm) trouble(insert);
}

type Insert = (table: string, row: Record<string, unknown>) => void;

/** Micro-dollars a day, oldest first; the last is today. */
export const SPENT = [
  0, 0, 118_000, 204_000, 190_000, 0, 41_000, 233_000, 251_000, 310_000, 289_000, 344_000, 96_000, 120_000,
  402_000, 455_000, 390_000, 612_000, 1_000_000, 130_000, 98_000, 402_000, 366_000, 470_000, 521_000, 389_000,
  140_000, 92_000, 433_000, 415_000,
];
const RESERVED_TODAY = 85_000;

function spend(insert: Insert, isCalm: boolean): void {
  const today = Date.parse("2026-11-21T00:00:00Z");
  const window = (name: string, period: string, cap: number, settled: number, reserved = 0) =>
    insert("budget_windows", {
      window: name,
      period,
      cap_micros: cap,
      settled_micros: settled,
      reserved_micros: reserved,
      overrun_micros: 0,
    });
  let month = 0;
  SPENT.forEach((micros, index) => {
    const day = new Date(today - (SPENT.length - 1 - index) * DAY).toISOString().slice(0, 10);
    if (day.startsWith("2026-11")) month += micros;
    if (micros > 0)
      window("day", day, 1_000_000, micros, index === SPENT.length - 1 && !isCalm ? RESERVED_TODAY : 0);
  });
  window("month", "2026-11", 20_000_000, month, isCalm ? 0 : RESERVED_TODAY);
  window("hour", "2026-11-21T09:10", 250_000, 128_000, isCalm ? 0 : RESERVED_TODAY);
}

/** Every four hours a tick that works, and idle ones between; a crash and a halt where the data says so. */
function ticks(insert: Insert, isCalm: boolean): void {
  let serial = 0;
  for (let at = PREPARED_NOW - 20 * DAY; at <= PREPARED_NOW - 20 * MINUTE; at += 30 * MINUTE) {
    serial += 1;
    const day = Math.floor((PREPARED_NOW - at) / DAY);
    const isWork = serial % 8 === 0;
    let outcome = isWork ? "ok" : "idle";
    let reason: string | null = null;
    if (!isCalm && day === 8 && serial % 16 === 0)
      [outcome, reason] = ["failed", "news.example.org answered 503"];
    if (!isCalm && day === 11 && serial % 3 === 0)
      [outcome, reason] = ["halted", "the day cap of $1.00 is reached; nothing more is spent until midnight"];
    if (day === 5 && serial % 2 === 0) continue;
    insert("ticks", {
      id: `01tick${String(serial).padStart(6, "0")}`,
      started_at: at,
      finished_at: at + (isWork ? 48_000 : 240),
      outcome,
      reason,
      units: outcome === "ok" ? 3 + (serial % 5) : 0,
      cost_micros: outcome === "ok" ? 64_000 + serial * 13 : 0,
      by_hand: 0,
      next_due_at: PREPARED_NOW + 10 * MINUTE,
      version: "0.1.0",
    });
  }
}

function job(insert: Insert, id: string, more: Record<string, unknown>): void {
  insert("jobs", {
    id,
    key: id,
    name: "triage",
    kind: "exec",
    payload: "null",
    state: "done",
    attempts: 1,
    max_attempts: 5,
    run_at: PREPARED_NOW - HOUR,
    lease_until: null,
    token: 1,
    runner: null,
    error: null,
    units: 1,
    by_hand: 0,
    slot_at: PREPARED_NOW - HOUR,
    label: "2026-11-21",
    created_at: PREPARED_NOW - HOUR,
    updated_at: PREPARED_NOW - HOUR,
    ...more,
  });
}

function work(insert: Insert, isCalm: boolean): void {
  for (let n = 0; n < 180; n++) job(insert, `01done${String(n).padStart(4, "0")}`, {});
  const slot = "2026-11-21T05:00:00.000Z";
  job(insert, "01digest", { key: `digest@${slot}`, name: "digest", kind: "digest", units: 3 });
  const sources = [
    { label: "Harbour news", items: [{}, {}, {}, {}], notes: [], error: null },
    { label: "octo-org/octo-repo", items: [{}, {}], notes: [], error: null },
    { label: "Inbox", items: [{}], notes: ["one file is larger than 1 MB"], error: null },
    { label: "Tide tables", items: [], notes: [], error: isCalm ? null : "news.example.org answered 503" },
  ];
  for (const [index, source] of sources.entries()) {
    insert("steps", {
      job_id: "01digest",
      name: `fetch:${index}`,
      result: JSON.stringify(source),
      created_at: PREPARED_NOW - 4.5 * HOUR,
    });
  }
  insert("outputs", {
    name: "digest-2026-11-21.md",
    job_id: "01digest",
    content: isCalm ? DIGEST.split("\n## Failing")[0] : DIGEST,
    state: "published",
    created_at: PREPARED_NOW - 4.5 * HOUR + 48_000,
    published_at: PREPARED_NOW - 4.5 * HOUR + 48_100,
  });
  for (const [job_name, last_slot_at, schedule] of [
    ["digest", PREPARED_NOW - 4.5 * HOUR, "cron 0 6 * * *"],
    ["triage", PREPARED_NOW - 2 * HOUR, "every 14400000"],
    ["weekly", PREPARED_NOW - 16.5 * HOUR, "cron 0 18 * * 5"],
  ]) {
    insert("schedules", { job_name, schedule, last_slot_at });
  }
}

function trouble(insert: Insert): void {
  job(insert, "01run", {
    key: "triage@2026-11-21T09:29:00.000Z",
    state: "running",
    lease_until: PREPARED_NOW + 30_000,
    run_at: PREPARED_NOW - MINUTE,
  });
  job(insert, "01ready", {
    key: "weekly@2026-11-20T17:00:00.000Z",
    name: "weekly",
    state: "ready",
    token: 0,
    attempts: 2,
    run_at: PREPARED_NOW + 4 * MINUTE,
    error: "./weekly.sh ended with exit code 3",
  });
  const key = "triage@2026-11-20T21:00:00.000Z";
  job(insert, "01dead", { key, state: "dead", attempts: 5, error: "./triage.sh ended with exit code 2" });
  insert("dead_letters", {
    job_id: "01dead",
    key,
    name: "triage",
    kind: "exec",
    payload: "null",
    error: "./triage.sh ended with exit code 2: label 'needs-info' does not exist in octo-org/octo-repo",
    attempts: 5,
    trace: "{}",
    died_at: PREPARED_NOW - 11 * HOUR,
  });
  insert("incidents", {
    id: "01incident1",
    event: "breaker_open",
    subject: "host:news.example.org",
    title: "host:news.example.org is not called for now",
    opened_at: PREPARED_NOW - 8 * MINUTE,
    last_at: PREPARED_NOW - 8 * MINUTE,
    count: 1,
  });
  insert("incidents", {
    id: "01incident0",
    event: "tick_failed",
    title: "A tick failed",
    opened_at: PREPARED_NOW - 8 * DAY,
    last_at: PREPARED_NOW - 8 * DAY + HOUR,
    count: 2,
    recovered_at: PREPARED_NOW - 8 * DAY + 4 * HOUR,
  });
  insert("breakers", {
    name: "host:news.example.org",
    state: "open",
    failures: 0,
    until: PREPARED_NOW + 12 * MINUTE,
    cooldown_ms: 600_000,
    probe: null,
    reason: "5 failures in a row, the last: answered 503",
    updated_at: PREPARED_NOW - 8 * MINUTE,
  });
  insert("breakers", {
    name: "model:ollama/qwen2.5:3b",
    state: "closed",
    failures: 1,
    until: null,
    cooldown_ms: 300_000,
    probe: null,
    reason: null,
    updated_at: PREPARED_NOW - HOUR,
  });
  insert("breakers", {
    name: "host:api.github.com",
    state: "closed",
    failures: 0,
    until: null,
    cooldown_ms: 300_000,
    probe: null,
    reason: null,
    updated_at: PREPARED_NOW - DAY,
  });
  insert("ledger", {
    id: "01unknown",
    state: "unknown",
    model: "anthropic/claude-haiku-4-5",
    created_at: PREPARED_NOW - 20 * MINUTE,
    deadline_at: PREPARED_NOW - 10 * MINUTE,
    finished_at: PREPARED_NOW - 15 * MINUTE,
    estimate_micros: RESERVED_TODAY,
    estimate_tokens: 900,
    minute: "2026-11-21T09:10",
    day: "2026-11-21",
    week: "2026-W47",
    month: "2026-11",
    degraded: 0,
    error: "the reply broke off",
  });
  const alerts: [string, string, string, string, number, [string, string, string | null][]][] = [
    [
      "breaker_open",
      "warn",
      "host:news.example.org is not called for now",
      "5 failures in a row, the last: answered 503. No call to it until 10:42, then one probe.",
      8 * MINUTE,
      [
        ["ntfy", "sent", null],
        ["webhook", "pending", "answered 502"],
      ],
    ],
    [
      "call_unknown",
      "warn",
      "A call of unknown outcome",
      "The reply of anthropic/claude-haiku-4-5 broke off; it stays charged at $0.085.",
      15 * MINUTE,
      [
        ["ntfy", "sent", null],
        ["webhook", "sent", null],
      ],
    ],
    [
      "job_dead",
      "error",
      "triage gave up",
      `Job ${key} failed 5 of 5 times and waits for you.`,
      11 * HOUR,
      [
        ["ntfy", "sent", null],
        ["webhook", "sent", null],
      ],
    ],
    [
      "cap_hit",
      "warn",
      "The day's cap is reached",
      "$1.00 of $1.00 is spent; calls are refused until midnight.",
      11 * DAY,
      [
        ["ntfy", "sent", null],
        ["webhook", "failed", "not sent within 7 days"],
      ],
    ],
  ];
  alerts.forEach(([event, severity, title, message, age, deliveries], index) => {
    const id = `01alert${alerts.length - index}`;
    const at = PREPARED_NOW - age;
    const payload = {
      version: 1,
      agent: "morning-digest",
      severity,
      ts: new Date(at).toISOString(),
      event,
      title,
      message,
      key: id,
    };
    insert("alerts", { id, key: id, event, severity, payload: JSON.stringify(payload), created_at: at });
    for (const [channel, state, error] of deliveries)
      insert("alert_deliveries", {
        alert_id: id,
        channel: `${channel}:0123456789abcdef`,
        state,
        attempts: 1,
        next_at: at,
        error,
        updated_at: at,
      });
  });
}
