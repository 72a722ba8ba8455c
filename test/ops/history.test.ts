import { describe, expect, test } from "vitest";
import type { JobConfig } from "../../src/config/config.ts";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import { dayBounds, daysUpTo } from "../../src/lib/days.ts";
import { HOUR_MS } from "../../src/lib/durations.ts";
import { readDaySpend, readDayTicks } from "../../src/ops/history.ts";
import { readNextRuns } from "../../src/ops/next-runs.ts";
import { countFailingSources, createSourceBook, readLatestDigest } from "../../src/ops/sources.ts";
import { opsHarness } from "./harness.ts";

const iso = (text: string) => Date.parse(text);
const job = (name: string, schedule: JobConfig["schedule"], kind = "digest"): JobConfig => ({
  name,
  kind,
  schedule,
  timeoutMs: 1,
  retry: DEFAULT_RETRY,
  minutesSavedPerUnit: 30,
  deliver: [],
  progressMs: null,
  settings: {},
});

describe("a calendar day", () => {
  test.each([
    ["2026-11-21", "UTC", "2026-11-21T00:00:00Z", 24],
    ["2026-11-21", "Asia/Kolkata", "2026-11-20T18:30:00Z", 24],
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z", 23],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z", 25],
    ["2026-01-01", "Pacific/Kiritimati", "2025-12-31T10:00:00Z", 24],
  ])("%s in %s begins where its midnight is, and is as long as it is", (day, zone, start, hours) => {
    const { fromMs, untilMs } = dayBounds(day, zone);
    expect(new Date(fromMs).toISOString()).toBe(new Date(start).toISOString());
    expect((untilMs - fromMs) / HOUR_MS).toBe(hours);
  });

  test("is counted back over months and leap days", () => {
    expect(daysUpTo("2028-03-01", 3)).toEqual(["2028-02-28", "2028-02-29", "2028-03-01"]);
  });
});

test("the strip counts each tick on the day it began, in the agent's time zone", async () => {
  const { rails, tick } = await opsHarness();
  const at = (text: string, fields: object) =>
    tick({ started_at: iso(text), finished_at: iso(text), ...fields });
  await at("2026-11-19T22:59:59Z", { outcome: "ok", units: 2 });
  await at("2026-11-19T23:00:00Z", { outcome: "failed" });
  await at("2026-11-20T10:00:00Z", { outcome: "crashed" });
  await at("2026-11-20T11:00:00Z", { outcome: "halted" });
  await at("2026-11-20T22:59:00Z", { outcome: "ok", units: 5 });
  const { db } = rails.store;
  expect(await readDayTicks(db, "2026-11-21", 3, "Europe/Berlin")).toEqual([
    { day: "2026-11-19", ticks: 1, units: 2, failures: 0, halts: 0 },
    { day: "2026-11-20", ticks: 4, units: 5, failures: 2, halts: 1 },
    { day: "2026-11-21", ticks: 0, units: 0, failures: 0, halts: 0 },
  ]);
  await at("2026-11-21T10:00:00Z", { outcome: "ok", units: 1 });
  const later = await readDayTicks(db, "2026-11-22", 3, "Europe/Berlin");
  expect(later[1]).toMatchObject({ day: "2026-11-21", ticks: 1, units: 1 });
});

test("the history of spend has every day, spent on or not, and no other window", async () => {
  const { rails } = await opsHarness();
  const row = { cap_micros: 100, overrun_micros: 0 };
  for (const [window, period, settled_micros, reserved_micros] of [
    ["day", "2026-11-18", 90, 0],
    ["day", "2026-11-20", 7, 3],
    ["month", "2026-11", 97, 3],
    ["hour", "2026-11-20T10:00", 7, 3],
  ] as const) {
    await rails.store.db
      .insertInto("budget_windows")
      .values({ ...row, window, period, settled_micros, reserved_micros })
      .execute();
  }
  expect(await readDaySpend(rails.store.db, "2026-11-21", 3)).toEqual([
    { day: "2026-11-19", settledMicros: 0, reservedMicros: 0, capMicros: null },
    { day: "2026-11-20", settledMicros: 7, reservedMicros: 3, capMicros: 100 },
    { day: "2026-11-21", settledMicros: 0, reservedMicros: 0, capMicros: null },
  ]);
});

test("the latest digest is the newest of any digest job, whatever its name is the beginning of", async () => {
  const harness = await opsHarness();
  const { db } = harness.rails.store;
  const id = await harness.job("digest@1", "done");
  const jobs = [
    job("digest", { type: "manual" }),
    job("digest-weekly", { type: "manual" }),
    job("other", { type: "manual" }, "exec"),
  ];
  expect(await readLatestDigest(db, jobs)).toBeNull();
  const output = (name: string, created_at: number, content = name) =>
    db
      .insertInto("outputs")
      .values({ name, job_id: id, content, state: "published", created_at, published_at: 1 })
      .execute();
  await output("digest-2026-11-20.md", 1);
  await output("digest-2026-11-20-2.md", 2);
  await output("digest-2026-11-20.html", 3);
  await output("other-2026-11-21.md", 9);
  expect(await readLatestDigest(db, jobs)).toMatchObject({
    name: "digest-2026-11-20-2.md",
    createdAt: 2,
    isCut: false,
  });
  await output("digest-weekly-2026-11-20.md", 4, "x".repeat(100_000));
  const latest = await readLatestDigest(db, jobs);
  expect(latest).toMatchObject({ name: "digest-weekly-2026-11-20.md", isCut: true });
  expect(latest?.content).toHaveLength(60_000);
});

test("each job's next time follows from its schedule and its last slot", async () => {
  const { rails } = await opsHarness();
  const now = iso("2026-11-21T10:00:00Z");
  const jobs = [
    job("cron", { type: "cron", expression: "0 6 * * *" }),
    job("missed", { type: "cron", expression: "0 6 * * *" }),
    job("every", { type: "every", intervalMs: 4 * HOUR_MS }),
    job("new", { type: "every", intervalMs: HOUR_MS }),
    job("changed", { type: "cron", expression: "0 5 * * *" }),
    job("hand", { type: "manual" }),
  ];
  for (const [job_name, schedule, last] of [
    ["cron", "cron 0 6 * * *", "2026-11-21T05:00:00Z"],
    ["missed", "cron 0 6 * * *", "2026-11-19T05:00:00Z"],
    ["every", "every 14400000", "2026-11-21T08:00:00Z"],
    ["changed", "cron 0 6 * * *", "2026-11-20T05:00:00Z"],
  ] as const)
    await rails.store.db
      .insertInto("schedules")
      .values({ job_name, schedule, last_slot_at: iso(last) })
      .execute();
  const runs = await readNextRuns(rails.store.db, { jobs, timezone: "Europe/Berlin" }, now);
  expect(
    runs.map(({ job: name, dueAt }) => [name, dueAt === null ? null : new Date(dueAt).toISOString()]),
  ).toEqual([
    ["missed", "2026-11-20T05:00:00.000Z"],
    ["new", "2026-11-21T10:00:00.000Z"],
    ["every", "2026-11-21T12:00:00.000Z"],
    ["changed", "2026-11-22T04:00:00.000Z"],
    ["cron", "2026-11-22T05:00:00.000Z"],
    ["hand", null],
  ]);
});

test("sources are as the last run found them, failing ones first, and follow the run that is under way", async () => {
  const harness = await opsHarness();
  const { db } = harness.rails.store;
  const jobs = [job("digest", { type: "manual" })];
  const book = createSourceBook();
  expect(await book(db, jobs)).toEqual([]);
  const step = (job_id: string, index: number, result: object) =>
    db
      .insertInto("steps")
      .values({ job_id, name: `fetch:${index}`, result: JSON.stringify(result), created_at: index })
      .execute();
  const first = await harness.job("digest@2026-11-20T05:00:00.000Z", "done");
  await step(first, 0, { items: [1, 2], notes: [], label: "A", error: null });
  await step(first, 1, { items: [], notes: ["n"], label: "B", error: "down" });
  const second = await harness.job("digest@2026-11-21T05:00:00.000Z", "ready");
  expect(await book(db, jobs)).toEqual([
    { job: "digest", label: "B", error: "down", items: 0, notes: 1, checkedAt: 1 },
    { job: "digest", label: "A", error: null, items: 2, notes: 0, checkedAt: 0 },
  ]);
  expect(await countFailingSources(db, jobs)).toBe(1);
  await step(second, 0, { items: [], notes: [], label: "A", error: "gone" });
  expect((await book(db, jobs)).map(({ label, error }) => [label, error])).toEqual([["A", "gone"]]);
  await step(second, 1, { items: [], notes: [], label: "B", error: null });
  expect((await book(db, jobs)).map(({ label, error }) => [label, error])).toEqual([
    ["A", "gone"],
    ["B", null],
  ]);
  // What worked is large, and is not read; a long error is one all the same.
  const [label, error] = ["é".repeat(80), "\u{1F6A8}".repeat(300)];
  await step(second, 2, { items: [], notes: [], label, error });
  await step(second, 3, { items: ["x".repeat(100_000)], notes: [], label: "C", error: null });
  expect(await countFailingSources(db, jobs)).toBe(2);
});
