import { expect, test } from "vitest";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { renderMarkdown, sectionsOf } from "../../../src/evidence/report/sections.ts";
import { withHistory } from "./history.ts";
import { NOW, type Prepared, prepared } from "./prepared.ts";

const JOBS = [
  { name: "digest", kind: "plain", command: [] },
  { name: "triage", kind: "plain", command: [], minutes_saved_per_unit: 3, revenue_usd_per_unit: 12.5 },
  { name: "sweep", kind: "plain", command: [], minutes_saved_per_unit: 0 },
];

const read = (from: Prepared, comparesWeeks = false) =>
  readReport({ config: from.config, version: "1.2.3", db: from.db, nowMs: NOW, comparesWeeks });

test("what is billed stands apart from the time saved, and both are the value out", async () => {
  const state = await prepared({ jobs: JOBS });
  await withHistory(state);
  const report = await read(state);
  // 5 units of 3 minutes at 60 dollars an hour, and of 12.50 dollars each.
  expect(report.jobs.find(({ job }) => job === "triage")).toMatchObject({
    rung: 3,
    savedMicros: 15_000_000,
    revenueMicros: 62_500_000,
    valueMicros: 77_500_000,
    netMicros: 77_460_000,
    ratio: 1937.5,
  });
  const text = renderMarkdown(report);
  expect(text).toMatch(/\| time saved \| \$135\.00 \|/);
  expect(text).toMatch(/\| billed \| \$62\.50 \|/);
  expect(text).toMatch(/\| value out \| \$197\.50 \| both together \|/);
});

test("a job that only earns is worth what it earns", async () => {
  const state = await prepared({ jobs: [{ ...JOBS[1], minutes_saved_per_unit: 0 }] });
  await withHistory(state);
  const triage = (await read(state)).jobs.find(({ job }) => job === "triage");
  expect(triage).toMatchObject({ rung: 3, savedMicros: 0, valueMicros: 62_500_000 });
});

test("each job's rung is named: it runs, it saves time, it earns", async () => {
  const state = await prepared({ jobs: JOBS });
  await withHistory(state);
  await state.done("sweep", "2026-11-18T06:00:00Z", 1);
  const jobs = sectionsOf(await read(state)).find(({ id }) => id === "jobs");
  const rungs = jobs?.table?.rows.map(([name, rung]) => [name, rung]);
  expect(rungs).toEqual([
    ["digest", "2 saves"],
    ["triage", "3 earns"],
    ["(no job)", "-"],
    ["sweep", "1 runs"],
  ]);
});

test("free weeks stand beside paid ones, by the week, where it is asked for", async () => {
  const state = await prepared({ jobs: JOBS });
  await withHistory(state);
  expect((await read(state)).freeAndPaid).toBeNull();
  const report = await read(state, true);
  // Week 45 cost nothing and week 46 four cents; the present one is not over.
  expect(report.freeAndPaid).toMatchObject({
    free: { weeks: 1, units: 12, costMicros: 0, ratio: null, successRate: 1, ratedUp: null },
    paid: { weeks: 1, units: 5, costMicros: 40_000, ratio: 1937.5, successRate: 0.5 },
  });
  expect(renderMarkdown(report)).toMatch(/\| dollars in \| \$0 \| \$0\.04 \|/);
});

test("what the owner thought of the items of either is counted", async () => {
  const state = await prepared({ jobs: JOBS });
  await withHistory(state);
  const item = { job: "digest", label: "x", title: "t", link: null, source: "s", summary: "" };
  const votes = [
    ["2026-11-03", 1],
    ["2026-11-03", -1],
    ["2026-11-10", 1],
    ["2026-11-10", null],
  ] as const;
  for (const [index, [day, vote]] of votes.entries())
    await state.db
      .insertInto("digest_items")
      .values({
        ...{ ...item, id: `i${index}`, item_key: `k${index}`, published_at: null, score: null },
        ...{ vote, rated_at: null, created_at: Date.parse(`${day}T06:00:00Z`) },
      })
      .execute();
  expect((await read(state, true)).freeAndPaid).toMatchObject({
    free: { ratedUp: 0.5, rated: 2 },
    paid: { ratedUp: 1, rated: 1 },
  });
});
