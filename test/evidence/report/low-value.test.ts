import { expect, test } from "vitest";
import { announceLowValue } from "../../../src/evidence/report/low-value.ts";
import { harness } from "../../runner/harness.ts";
import { type Prepared, prepared } from "./prepared.ts";

const WEEK_MS = 7 * 86_400_000;

function look({ config, harness: { rails } }: Prepared): Promise<void> {
  return announceLowValue({ config, store: rails.store, outbox: rails.outbox, clock: rails.clock });
}

async function keys({ db }: Prepared): Promise<string[]> {
  const rows = await db.selectFrom("alerts").select("key").orderBy("key").execute();
  return rows.map(({ key }) => key);
}

const floor = (ratio: number) => ({
  value: { minutes_saved_per_unit: 1, hourly_rate_usd: 60, min_ratio: ratio },
});

test("a finished week below the floor is told of once, however many ticks follow", async () => {
  const state = await prepared(floor(2));
  await state.done("digest", "2026-11-10T08:00:00Z", 1);
  await state.call("2026-11-10T08:00:00Z", { cost_micros: 500_001 });
  await look(state);
  await look(state);
  expect(await keys(state)).toEqual(["value_low:2026-W46"]);
  const [alert] = await state.db.selectFrom("alerts").selectAll().execute();
  expect(JSON.parse(alert?.payload ?? "")).toMatchObject({
    event: "value_low",
    severity: "warn",
    period: "2026-W46",
    message: expect.stringContaining("afk report --since 2026-11-09"),
  });
});

test("a week at the floor is not told of, nor one in which nothing was spent, nor the present one", async () => {
  const state = await prepared(floor(2));
  await state.done("digest", "2026-11-10T08:00:00Z", 1);
  await state.call("2026-11-10T08:00:00Z", { cost_micros: 500_000 });
  await state.call("2026-11-03T08:00:00Z");
  await state.call("2026-11-18T08:00:00Z", { cost_micros: 500_000 });
  await look(state);
  expect(await keys(state)).toEqual([]);
  state.harness.rails.clock.advance(WEEK_MS);
  await look(state);
  expect(await keys(state)).toEqual(["value_low:2026-W47"]);
});

test("weeks in which no tick came are made up for", async () => {
  const state = await prepared(floor(2));
  await look(state);
  await state.call("2026-11-18T08:00:00Z", { cost_micros: 1 });
  await state.call("2026-11-25T08:00:00Z", { cost_micros: 1 });
  state.harness.rails.clock.advance(3 * WEEK_MS);
  await look(state);
  expect(await keys(state)).toEqual(["value_low:2026-W47", "value_low:2026-W48"]);
});

test("without a floor nothing is asked and nothing is told", async () => {
  const state = await prepared();
  await state.call("2026-11-10T08:00:00Z", { cost_micros: 500_000 });
  await look(state);
  expect(await keys(state)).toEqual([]);
});

test("the first tick after the week tells of it", async () => {
  const { agent, alerts, clock } = await harness(() => undefined, {
    value: { min_ratio: 1, minutes_saved_per_unit: 1, hourly_rate_usd: 1 },
  });
  await agent.guard("priced", 0.5, async () => ({ value: null, costUsd: 0.4 }));
  await agent.tick({ now: "work" });
  expect(alerts.filter(({ event }) => event === "value_low")).toEqual([]);
  clock.advance(2 * 86_400_000);
  await agent.tick();
  await agent.tick();
  expect(alerts.filter(({ event }) => event === "value_low")).toEqual([
    expect.objectContaining({ period: "2026-W47", message: expect.stringContaining("ratio of 0.0") }),
  ]);
});
