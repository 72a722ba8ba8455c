import { sql } from "kysely";
import { expect, test } from "vitest";
import { type ReportOptions, readReport } from "../../../src/evidence/report/read-report.ts";
import { withHistory } from "./history.ts";
import { NOW, type Prepared, prepared } from "./prepared.ts";

const read = (from: Prepared, more: Partial<ReportOptions> = {}) =>
  readReport({ config: from.config, version: "1.2.3", db: from.db, nowMs: NOW, ...more });

test("a week says units, dollars in, value out, net and ratio", async () => {
  const state = await prepared();
  await withHistory(state);
  const { weeks } = await read(state);
  expect(weeks.map(({ week, isWhole }) => [week, isWhole])).toEqual([
    ["2026-W44", true],
    ["2026-W45", true],
    ["2026-W46", true],
    ["2026-W47", false],
  ]);
  // 12 units of 10 minutes at 60 dollars an hour are 120 dollars.
  expect(weeks[1]).toMatchObject({ units: 12, costMicros: 0, savedMicros: 120_000_000, ratio: null });
  // 5 units of the job's own 3 minutes, for 4 cents.
  expect(weeks[2]).toMatchObject({
    units: 5,
    minutesSaved: 15,
    costMicros: 40_000,
    savedMicros: 15_000_000,
    netMicros: 14_960_000,
    ratio: 375,
  });
  // Unknown is spent; what was released is not.
  expect(weeks[3]).toMatchObject({ units: 0, costMicros: 60_000, netMicros: -60_000, ratio: 0 });
});

test("every total is the sum of its weeks, and of its jobs", async () => {
  const state = await prepared({ value: { minutes_saved_per_unit: 0.37, hourly_rate_usd: 33.33 } });
  await withHistory(state);
  const { total, weeks, jobs, models } = await read(state);
  const sum = (
    rows: readonly { savedMicros: number; costMicros: number }[],
    key: "savedMicros" | "costMicros",
  ) => rows.reduce((all, row) => all + row[key], 0);
  expect(Number.isSafeInteger(total.savedMicros)).toBe(true);
  expect([sum(weeks, "savedMicros"), sum(jobs, "savedMicros")]).toEqual([
    total.savedMicros,
    total.savedMicros,
  ]);
  expect([sum(weeks, "costMicros"), sum(jobs, "costMicros")]).toEqual([total.costMicros, total.costMicros]);
  expect(models.reduce((all, row) => all + row.costMicros, 0)).toBe(total.costMicros);
  expect(total.costMicros).toBe(100_000);
});

test("models and jobs have what was spent on them, and unknown money is told of", async () => {
  const state = await prepared();
  await withHistory(state);
  const report = await read(state);
  expect(report.unknown).toEqual({ calls: 1, micros: 60_000 });
  expect(report.models).toEqual([
    expect.objectContaining({
      model: "anthropic/claude-haiku-4-5",
      calls: 3,
      unknown: 1,
      released: 1,
      costMicros: 100_000,
    }),
    expect.objectContaining({ model: "ollama/qwen2.5:3b", calls: 12, inputTokens: 12_000, costMicros: 0 }),
  ]);
  expect(report.jobs.map(({ job, units, costMicros }) => [job, units, costMicros])).toEqual([
    ["digest", 12, 0],
    ["triage", 5, 40_000],
    [null, 0, 60_000],
  ]);
});

test("a tick that a rail halted went neither well nor badly", async () => {
  const state = await prepared();
  await withHistory(state);
  const { ticks, successRate } = await read(state);
  expect(ticks).toMatchObject({ ticks: 9, ok: 4, idle: 3, halted: 1, failed: 1 });
  expect(successRate).toBe(7 / 8);
});

test("the tokens that were used are priced on another model, local ones too", async () => {
  const state = await prepared();
  await withHistory(state);
  const { comparison } = await read(state, { compare: "anthropic/claude-haiku-4-5" });
  // 12 x 1,000 + 20,000 in at 1 dollar, 12 x 100 + 4,000 out at 5 dollars a million.
  expect(comparison).toMatchObject({
    inputTokens: 32_000,
    outputTokens: 5_200,
    wouldCostMicros: 32_000 + 26_000,
    paidMicros: 40_000,
    uncounted: 1,
  });
});

test("a model without a price is refused, and not compared with one like it", async () => {
  const state = await prepared();
  await expect(read(state, { compare: "openai/no-such-model" })).rejects.toThrow("price");
});

test("incidents have their recovery times, and those that last are counted wherever they began", async () => {
  const state = await prepared();
  await withHistory(state);
  await state.incident({ at: "2026-09-01T00:00:00Z", title: "since September" });
  await state.incident({ at: "2026-09-02T00:00:00Z", title: "long over", recoveredAfterMs: 5 });
  const { incidents } = await read(state);
  expect(incidents).toMatchObject({
    total: 4,
    lasting: 2,
    unexplained: 1,
    medianRecoveryMs: 600_000,
    longestRecoveryMs: 7_200_000,
  });
  expect(incidents.newest[0]?.title).toBe("ticks come late");
});

test("a span is cut to what was asked for, and never reaches beyond now", async () => {
  const state = await prepared();
  await withHistory(state);
  const from = Date.parse("2026-11-03T00:00:00Z");
  const report = await read(state, { fromMs: from, untilMs: from + 86_400_000 });
  expect(report.weeks).toEqual([expect.objectContaining({ week: "2026-W45", units: 4, isWhole: false })]);
  expect((await read(state, { untilMs: NOW + 1e9 })).untilMs).toBe(NOW);
});

test("drills and unattended days come from their own tables", async () => {
  const state = await prepared();
  const drill = { version: "1", config_hash: "h", host: "h", figures: "{}", file: "f", started_at: NOW - 10 };
  const drills = [
    { id: "a", name: "cap", passed: 1, error: null, finished_at: NOW - 9, ...drill },
    { id: "b", name: "cap", passed: 0, error: "no", finished_at: NOW - 8, ...drill },
    { id: "c", name: "cap", passed: 1, error: null, finished_at: 5, ...drill },
  ];
  await state.db.insertInto("drills").values(drills).execute();
  await state.db
    .insertInto("clock")
    .values({
      id: 1,
      started_at: 1,
      day_zero: "2026-11-18",
      seen_day: "2026-11-21",
      version: "1",
      config_hash: "h",
    })
    .execute();
  const day = {
    ticks: 1,
    outputs: 0,
    units: 0,
    failures: 0,
    cost_micros: 0,
    value_micros: 0,
    incidents: 0,
    note: null,
  };
  await state.db
    .insertInto("clock_days")
    .values([
      { day: "2026-11-18", count: 5, attended: 0, ...day },
      { day: "2026-11-19", count: 0, attended: 1, ...day },
      { day: "2026-11-20", count: 1, attended: 0, ...day },
    ])
    .execute();
  const report = await read(state);
  expect(report.drills).toEqual([{ name: "cap", runs: 2, passed: 1, lastAt: NOW - 8, hasLastPassed: false }]);
  expect(report.days).toEqual({ isStarted: true, count: 1, longest: 5, days: 3, attended: 1 });
});

test("what a report asks of the big tables is found by an index", async () => {
  const { db } = await prepared();
  const plans = await Promise.all(
    [
      sql`select sum(units) from jobs where state = 'done' and updated_at >= ${1} and updated_at < ${2} group by name`,
      sql`select count(*) from ledger where created_at >= ${1} and created_at < ${2} group by model, job, state`,
      sql`select count(*) from ticks where started_at >= ${1} and started_at < ${2} group by outcome`,
    ].map((query) => sql<{ detail: string }>`explain query plan ${query}`.execute(db)),
  );
  const found = plans.map(({ rows }) => rows.map(({ detail }) => detail).join());
  expect(found[0]).toContain("jobs_done");
  expect(found[1]).toContain("ledger_created");
  expect(found[2]).toContain("ticks_started");
});
