import { describe, expect, it } from "vitest";
import type { Caps } from "../../src/lib/windows.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { grantToRun } from "../../src/rails/grant.ts";
import { alerts, refusedBy, reserved, spend, testRails, tryReserve } from "../support/rails.ts";
import { budgetOf, type RailsOn } from "../support/rails-on.ts";

const RUN = { scope: { tick: "t1", job: "digest@1", jobName: "digest" } };
const OTHER = { scope: { tick: "t1", job: "digest@2", jobName: "digest" } };

const capped = (own: Caps, ofAgent: Caps = {}) =>
  testRails({ budget: { day_micros: 100_000, ...ofAgent, owners: { job: { digest: own }, client: {} } } });

function recap(rails: RailsOn, own: Caps, ofAgent: Caps = {}) {
  const owners = { job: { digest: own }, client: {} };
  rails.budget = { ...rails.budget, budget: budgetOf({ day_micros: 100_000, ...ofAgent, owners }) };
}

async function offer(rails: RailsOn, micros: number, more = RUN) {
  const result = await tryReserve(rails, micros, more);
  return "refusal" in result ? result.refusal.offer : "accepted";
}

/** Grants what is offered to a call. */
async function grant(rails: RailsOn, micros: number, more = RUN, amount: "micros" | "calls" = "micros") {
  const result = await tryReserve(rails, micros, more);
  if (!("refusal" in result) || result.refusal.offer === null) throw new Error("nothing is offered");
  const { run, period, cap, extra } = result.refusal.offer;
  const { window } = result.refusal;
  const row = { job: run, window, amount, period, cap, extra, question_id: "q", granted_at: 0 };
  return await rails.store.atomically((trx) => grantToRun(trx, row));
}

describe("a grant", () => {
  it("lets its run have as much again as its job's cap, to the last micro-dollar, and no other run", async () => {
    const rails = await capped({ day_micros: 1_000 });
    await spend(rails, 1_000, RUN);
    expect(await offer(rails, 400)).toEqual({
      run: "digest@1",
      job: "digest",
      period: "2026-11-21",
      cap: 1_000,
      extra: 1_000,
    });
    expect(await grant(rails, 400)).toBe(true);
    expect(await refusedBy(rails, 1, OTHER)).toBe("day");
    expect(await refusedBy(rails, 1_001, RUN)).toBe("day");
    await spend(rails, 1_000, RUN);
    expect(await refusedBy(rails, 1, RUN)).toBe("day");
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("is offered and made once for a run, a window and a unit", async () => {
    const rails = await capped({ day_micros: 1_000 });
    await spend(rails, 900, RUN);
    expect(await grant(rails, 400)).toBe(true);
    const row = await rails.store.db.selectFrom("cap_grants").selectAll().executeTakeFirstOrThrow();
    expect(await rails.store.atomically((trx) => grantToRun(trx, { ...row, extra: 9_999_999 }))).toBe(false);
    await spend(rails, 1_100, RUN);
    expect(await offer(rails, 1)).toBe(null);
  });

  it("never takes a call over a cap of the agent, and is not offered where that refuses too", async () => {
    const rails = await capped({ day_micros: 1_000 }, { hour_micros: 1_500 });
    await spend(rails, 1_000, RUN);
    expect(await offer(rails, 600)).toBe(null);
    expect(await grant(rails, 500)).toBe(true);
    expect(await refusedBy(rails, 501, RUN)).toBe("hour");
    await spend(rails, 500, RUN);
    expect(await refusedBy(rails, 1, RUN)).toBe("hour");
  });

  it("is for a run's own cap where that is lower than the agent's cap of any run, and stays below that", async () => {
    const rails = await capped({ job_micros: 1_000 }, { job_micros: 1_600 });
    await spend(rails, 1_000, RUN);
    expect(await offer(rails, 601)).toBe(null);
    expect(await grant(rails, 600)).toBe(true);
    expect(await refusedBy(rails, 601, RUN)).toBe("job");
    await spend(rails, 600, RUN);
    expect(await refusedBy(rails, 1, RUN)).toBe("job");
    expect(await refusedBy(rails, 1_001, OTHER)).toBe("job");
    const same = await capped({ job_micros: 1_000 }, { job_micros: 1_000 });
    await spend(same, 1_000, RUN);
    expect(await offer(same, 1)).toBe(null);
  });

  it("is not offered for what as much again has no room for, nor for a cap of 0", async () => {
    const rails = await capped({ day_micros: 1_000 });
    expect(await offer(rails, 2_001)).toBe(null);
    expect(await offer(rails, 2_000)).not.toBe(null);
    recap(rails, { day_micros: 0 });
    expect(await offer(rails, 0)).toBe(null);
  });

  it("is for the day that it was asked in, and does not come back", async () => {
    const rails = await capped({ day_micros: 1_000 });
    await spend(rails, 1_000, RUN);
    await grant(rails, 500);
    rails.clock.advance(24 * 3_600_000);
    expect(await refusedBy(rails, 1_001, RUN)).toBe("day");
    await spend(rails, 1_000, RUN);
    expect(await offer(rails, 1)).toBe(null);
  });

  it("of an hour holds as long as the minute that it was asked in counts", async () => {
    const rails = await capped({ hour_micros: 1_000 });
    await spend(rails, 1_000, RUN);
    await grant(rails, 500);
    rails.clock.advance(50 * 60_000);
    await spend(rails, 900, RUN);
    rails.clock.advance(12 * 60_000);
    expect(await refusedBy(rails, 101, RUN)).toBe("hour");
    expect(await refusedBy(rails, 100, RUN)).toBe(null);
  });

  it("ends where the cap is lowered since, and adds nothing to one that was raised above it", async () => {
    const rails = await capped({ day_micros: 1_000 });
    await spend(rails, 400, RUN);
    await grant(rails, 700);
    recap(rails, { day_micros: 500 });
    expect(await refusedBy(rails, 101, RUN)).toBe("day");
    recap(rails, { day_micros: 1_200 });
    expect(await refusedBy(rails, 1_601, RUN)).toBe("day");
    recap(rails, { day_micros: 3_000 });
    expect(await refusedBy(rails, 2_601, RUN)).toBe("day");
    recap(rails, {});
    expect(await refusedBy(rails, 90_000, RUN)).toBe(null);
  });

  it("is for one unit, and warns by the cap that holds for its run", async () => {
    const rails = await capped({ day_calls: 2, day_micros: 1_000 });
    for (const _ of [1, 2]) await reserved(rails, 100, RUN);
    expect(await grant(rails, 1, RUN, "calls")).toBe(true);
    expect(await refusedBy(rails, 801, RUN)).toBe("day");
    await spend(rails, 100, RUN);
    const crossed = (await alerts(rails, "threshold_cross")).filter(({ unit }) => unit === "calls");
    // Three of the four that hold for this run; of two they would be more than all.
    expect(new Set(crossed.map(({ pct }) => pct))).toEqual(new Set([75]));
  });
});
