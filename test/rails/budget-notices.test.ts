import { describe, expect, it } from "vitest";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { reserve } from "../../src/rails/budget.ts";
import {
  alerts,
  ended,
  refusedBy,
  reservation,
  sent,
  settledAt,
  spend,
  testRails,
  UNKNOWN,
} from "../support/rails.ts";

const HOUR = 3_600_000;
const keys = (found: AlertPayload[]) => found.map(({ key }) => key);

describe("a threshold", () => {
  it("is told of once per threshold, window and period, with what a message needs", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000_000 } });
    await spend(rails, 499_999);
    expect(await alerts(rails)).toEqual([]);
    await spend(rails, 1);
    await spend(rails, 200_000);
    await spend(rails, 100_000);
    await spend(rails, 100_000);
    expect(await alerts(rails)).toMatchObject([
      {
        event: "threshold_cross",
        key: "threshold_cross:day:2026-11-21:0.5",
        window: "day",
        period: "2026-11-21",
        threshold: 0.5,
        pct: 50,
        capUsd: 1,
        spentUsd: 0.5,
        agent: "test-agent",
        severity: "warn",
      },
      { key: "threshold_cross:day:2026-11-21:0.8", threshold: 0.8, pct: 80, spentUsd: 0.8 },
    ]);
  });

  it("is told of again in the next period", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await spend(rails, 600);
    rails.clock.advance(24 * HOUR);
    await spend(rails, 600);
    expect(keys(await alerts(rails))).toEqual([
      "threshold_cross:day:2026-11-21:0.5",
      "threshold_cross:day:2026-11-22:0.5",
    ]);
  });

  it("is told of for each window by itself, the hour by its clock hour and not by the minute", async () => {
    const rails = await testRails({
      budget: {
        day_micros: 10_000,
        hour_micros: 1_000,
        job_micros: 500,
        tick_micros: 800,
        month_micros: 100_000,
        warningThresholds: [0.5],
      },
    });
    await spend(rails, 500, { scope: { tick: "t", job: "j" } });
    rails.clock.advance(60_000);
    await spend(rails, 100, { scope: { tick: "t", job: "k" } });
    expect(keys(await alerts(rails))).toEqual([
      "threshold_cross:tick:t:0.5",
      "threshold_cross:job:j:0.5",
      "threshold_cross:hour:2026-11-21T10:00Z:0.5",
    ]);
  });

  it("counts what stays charged because nobody knows its cost", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await ended(rails, await sent(rails, 900), UNKNOWN);
    expect(keys(await alerts(rails, "threshold_cross"))).toEqual([
      "threshold_cross:day:2026-11-21:0.5",
      "threshold_cross:day:2026-11-21:0.8",
    ]);
  });

  it("is not crossed by a reservation that is given back", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await ended(rails, await sent(rails, 900), { state: "released", error: "refused" });
    expect(await alerts(rails)).toEqual([]);
  });

  it.each([
    [0.07, 100],
    [0.55, 1_000_000],
    [0.29, 100],
    [1, 3],
  ])("of %d is crossed by exactly that much of %i micro-dollars", async (threshold, day_micros) => {
    const rails = await testRails({ budget: { day_micros, warningThresholds: [threshold] } });
    const exact = Math.round(threshold * day_micros);
    await spend(rails, exact - 1);
    expect(await alerts(rails)).toEqual([]);
    await spend(rails, 1);
    expect(await alerts(rails)).toHaveLength(1);
  });
});

describe("a refusal by a cap", () => {
  it("is alerted once per window and period, and logged each time", async () => {
    const rails = await testRails({ budget: { day_micros: 100 } });
    for (let n = 0; n < 3; n++) await refusedBy(rails, 101, { scope: { tick: `t${n}`, job: "j" } });
    expect(await alerts(rails)).toMatchObject([
      { event: "cap_hit", key: "cap_hit:day:2026-11-21", tick: "t0", job: "j", capUsd: 0.0001, spentUsd: 0 },
    ]);
    const logged = rails.logged.filter(({ event }) => event === "cap_hit");
    expect(logged.map(({ level, fields }) => [level, fields.tick, fields.alerted])).toEqual([
      ["warn", "t0", true],
      ["warn", "t1", false],
      ["warn", "t2", false],
    ]);
    rails.clock.advance(24 * HOUR);
    await refusedBy(rails, 101);
    expect(keys(await alerts(rails))).toEqual(["cap_hit:day:2026-11-21", "cap_hit:day:2026-11-22"]);
  });

  it("keeps the most that a refused call needed, when a larger one follows", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    const entryId = await sent(rails, 950);
    await refusedBy(rails, 100);
    await ended(rails, entryId, settledAt(100));
    await refusedBy(rails, 950);
    await refusedBy(rails, 910);
    expect(await alerts(rails)).toMatchObject([{ key: "cap_hit:day:2026-11-21", neededUsd: 0.00095 }]);
  });

  it("is told of once an hour for the hour's cap", async () => {
    const rails = await testRails({ budget: { hour_micros: 100 } });
    for (let n = 0; n < 61; n++) {
      await refusedBy(rails, 101);
      rails.clock.advance(60_000);
    }
    expect(keys(await alerts(rails))).toEqual([
      "cap_hit:hour:2026-11-21T10:00Z",
      "cap_hit:hour:2026-11-21T11:00Z",
    ]);
  });
});

it("tells of a call with an unknown outcome how to say what it cost", async () => {
  const rails = await testRails();
  const id = await sent(rails, 1_500, { scope: { tick: "t", job: "j" } });
  await ended(rails, id, UNKNOWN);
  const [alert] = await alerts(rails, "call_unknown");
  expect(alert).toMatchObject({ key: `call_unknown:${id}`, tick: "t", job: "j" });
  expect(alert?.message).toContain(`afk ledger reconcile ${id.slice(-8)} --usd X`);
  expect(alert?.message).toContain("$0.0015");
});

describe("an alert", () => {
  it("commits with what it tells of, or not at all", async () => {
    const rails = await testRails({ budget: { day_micros: 100 } });
    const crashing = rails.store.atomically(async (trx) => {
      const times = { budgetMs: rails.clock.nowMs(), wallMs: rails.clock.nowMs() };
      await reserve(trx, rails, reservation(101), times);
      throw new Error("crash");
    });
    await expect(crashing).rejects.toThrow("crash");
    expect(await alerts(rails)).toEqual([]);
    expect(rails.logged).toEqual([]);
    await refusedBy(rails, 101);
    expect(await alerts(rails)).toHaveLength(1);
  });

  it("is handed over only after the settle that it tells of is on disk", async () => {
    const seen: Promise<string[]>[] = [];
    const rails = await testRails({
      budget: { day_micros: 1_000 },
      onAlert: () => {
        const rows = rails.store.db.selectFrom("ledger").select("state").execute();
        seen.push(rows.then((found) => found.map(({ state }) => state)));
      },
    });
    await ended(rails, await sent(rails, 600), settledAt(600));
    expect(await Promise.all(seen)).toEqual([["settled"]]);
  });

  it("whose listener throws changes nothing", async () => {
    const rails = await testRails({
      budget: { day_micros: 1_000 },
      onAlert: () => {
        throw new Error("the listener is broken");
      },
    });
    await spend(rails, 600);
    expect(await alerts(rails)).toHaveLength(1);
    expect(rails.logged.map(({ event }) => event)).toContain("alert_failed");
  });
});
