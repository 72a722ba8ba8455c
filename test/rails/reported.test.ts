import { expect, it } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { chargedTo } from "../../src/rails/ledger.ts";
import { recordReported } from "../../src/rails/reported.ts";
import { alerts, counters, entries, refusedBy, testRails } from "../support/rails.ts";

async function reported(...costs: number[]) {
  const rails = await testRails({ budget: { day_micros: 1_000, month_micros: 5_000 } });
  for (const costMicros of costs)
    await recordReported(rails, { costMicros, scope: { tick: "t", job: "j" }, runner: "r", log: rails.log });
  return rails;
}

it("counts what a program has spent elsewhere in every window, so that less is left", async () => {
  const rails = await reported(600);
  expect(await entries(rails)).toMatchObject([
    { state: "settled", model: "reported", job: "j", estimate_micros: 600, cost_micros: 600 },
  ]);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "600/0" });
  expect(await counters(rails, "month")).toEqual({ "2026-11": "600/0" });
  expect(await refusedBy(rails, 500)).toBe("day");
  expect(await refusedBy(rails, 400)).toBe(null);
  expect(await alerts(rails, "overrun")).toEqual([]);
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("records more than the caps have room for in full, and tells of it", async () => {
  const rails = await reported(600, 4_000);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "4600/0" });
  expect(await entries(rails)).toMatchObject([
    {},
    { state: "settled", estimate_micros: 400, cost_micros: 4_000 },
  ]);
  expect(await alerts(rails, "cap_hit")).toHaveLength(1);
  const [told] = await alerts(rails, "overrun");
  // No model is refused for it.
  expect(told?.message).toMatch(/It is recorded in full\. Look: afk ledger$/);
  expect(await refusedBy(rails, 1)).toBe("day");
  expect(await chargedTo(rails.store.db, "j")).toBe(4_600);
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

it("warns of a threshold that it passes, as any call does", async () => {
  const rails = await reported(850);
  expect(await alerts(rails, "threshold_cross")).not.toEqual([]);
});
