import { describe, expect, it } from "vitest";
import type { Caps } from "../../src/lib/windows.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { reserve } from "../../src/rails/budget.ts";
import { rememberBy } from "../../src/store/store.ts";
import {
  alerts,
  counters,
  ended,
  entries,
  markSending,
  RELEASED,
  refusedBy,
  reservation,
  reserved,
  sent,
  settledAt,
  spend,
  states,
  testRails,
  tryReserve,
  UNKNOWN,
} from "../support/rails.ts";
import { budgetOf, type RailsOn } from "../support/rails-on.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Settles the clock's first reading, so that moving it shows in the budget's time. */
async function railsAt(iso: string, options: Parameters<typeof testRails>[0] = {}) {
  const rails = await testRails(options);
  rails.clock.advance(Date.parse(iso) - rails.clock.nowMs());
  return rails;
}

const spentIn = async (rails: RailsOn, window: string) => Object.values(await counters(rails, window));

describe("a reservation", () => {
  it("takes the worst case from every window, and its cost replaces it", async () => {
    const rails = await testRails();
    const scope = { tick: "tick-1", job: "job-1" };
    const id = await reserved(rails, 600, { scope });
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/600" });
    expect(await counters(rails, "hour")).toEqual({ "2026-11-21T10:00": "0/600" });
    expect(await counters(rails, "month")).toEqual({ "2026-11": "0/600" });
    expect(await counters(rails, "tick")).toEqual({ "tick-1": "0/600" });
    expect(await counters(rails, "job")).toEqual({ "job-1": "0/600" });
    await rails.store.atomically((trx) => markSending(trx, id));
    expect(await ended(rails, id, settledAt(250))).toBe(true);
    for (const window of ["tick", "job", "hour", "day", "month"])
      expect(await spentIn(rails, window)).toEqual(["250/0"]);
    expect(await entries(rails)).toMatchObject([
      { state: "settled", cost_micros: 250, estimate_micros: 600 },
    ]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("is to be remembered before anybody is told of it, and a refusal is not", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    let asked = 0;
    const asking = async (micros: number) => {
      await rails.store.atomically(async (trx) => {
        rememberBy(trx, () => (asked += 1));
        const times = { budgetMs: rails.clock.nowMs(), wallMs: rails.clock.nowMs() };
        await reserve(trx, rails, reservation(micros), times);
      });
      return asked;
    };
    expect([await asking(1_000), await asking(1)]).toEqual([1, 1]);
  });

  it("fills a cap to the last micro-dollar and not one further", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await reserved(rails, 999);
    expect(await refusedBy(rails, 2)).toBe("day");
    await reserved(rails, 1);
    expect(await refusedBy(rails, 1)).toBe("day");
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/1000" });
  });

  it("is never shrunk to fit: refused, it changes nothing", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await spend(rails, 900);
    expect(await tryReserve(rails, 101)).toEqual({
      refusal: {
        window: "day",
        period: "2026-11-21",
        scope: "agent",
        unit: "usd",
        amount: "micros",
        cap: 1_000,
        spent: 900,
        estimate: 101,
        fitsLater: false,
        roomMicros: 100,
        offer: null,
      },
    });
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "900/0" });
    expect(await states(rails)).toEqual(["settled"]);
  });

  it("counts what is reserved, under way and unknown like what is spent", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await reserved(rails, 250);
    await sent(rails, 250);
    await ended(rails, await sent(rails, 250), UNKNOWN);
    await spend(rails, 250);
    expect(await refusedBy(rails, 1)).toBe("day");
  });

  it("has its room again when it is released, before and after it was sent", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    expect(await ended(rails, await reserved(rails, 1_000), RELEASED)).toBe(true);
    expect(await ended(rails, await sent(rails, 1_000), RELEASED)).toBe(true);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/0" });
    expect(await refusedBy(rails, 1_000)).toBe(null);
  });

  it("stays charged when its outcome is unknown, however long ago it was", async () => {
    const rails = await testRails({ budget: { month_micros: 1_000 } });
    await ended(rails, await sent(rails, 1_000), UNKNOWN);
    rails.clock.advance(9 * DAY);
    expect(await refusedBy(rails, 1)).toBe("month");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses an estimate of %d", async (estimate) => {
    const rails = await testRails();
    expect(await refusedBy(rails, estimate)).toBe("day");
  });

  it("refuses an estimate below nothing, which would make room", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await reserved(rails, 1_000);
    await expect(tryReserve(rails, -500)).rejects.toThrow();
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/1000" });
  });
});

describe("a cap of 0", () => {
  it.each([0, 1])("refuses a call of %i micro-dollars", async (estimate) => {
    const rails = await testRails({ budget: { day_micros: 0 } });
    expect(await refusedBy(rails, estimate)).toBe("day");
    expect(await entries(rails)).toEqual([]);
    expect(await alerts(rails, "cap_hit")).toMatchObject([{ pct: 100, capUsd: 0, spentUsd: 0 }]);
  });

  it.each([
    ["tick", { tick_micros: 0 }],
    ["job", { job_micros: 0 }],
    ["hour", { hour_micros: 0 }],
    ["month", { month_micros: 0 }],
  ])("on the %s refuses a free call too", async (window, budget) => {
    const rails = await testRails({ budget });
    expect(await refusedBy(rails, 0, { scope: { tick: "t", job: "j" } })).toBe(window);
  });

  it("of any other amount lets free calls pass, even when it is used up", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await spend(rails, 1_000);
    expect(await refusedBy(rails, 0)).toBe(null);
  });
});

describe("the windows", () => {
  it("of a tick and of a job hold for that one alone", async () => {
    const rails = await testRails({ budget: { tick_micros: 100, job_micros: 60 } });
    await spend(rails, 60, { scope: { tick: "t1", job: "j1" } });
    expect(await refusedBy(rails, 1, { scope: { tick: "t1", job: "j1" } })).toBe("job");
    await spend(rails, 40, { scope: { tick: "t1", job: "j2" } });
    expect(await refusedBy(rails, 1, { scope: { tick: "t1", job: "j3" } })).toBe("tick");
    expect(await refusedBy(rails, 60, { scope: { tick: "t2", job: "j3" } })).toBe(null);
    expect(await refusedBy(rails, 500)).toBe(null);
  });

  it("of an hour slides: what was spent counts for 60 minutes wherever the clock hour changes", async () => {
    const rails = await railsAt("2026-11-21T10:30:45Z", { budget: { hour_micros: 100 } });
    await spend(rails, 100);
    rails.clock.advance(HOUR - 1);
    expect(await refusedBy(rails, 1)).toBe("hour");
    // Sixty full minutes later it is 11:30:45, and the bucket of 10:30 still counts.
    rails.clock.advance(1);
    expect(await refusedBy(rails, 1)).toBe("hour");
    rails.clock.advance(14_999);
    expect(await refusedBy(rails, 1)).toBe("hour");
    rails.clock.advance(1);
    expect(await refusedBy(rails, 100)).toBe(null);
  });

  it("of an hour never hold more than the cap in any 60 minutes", async () => {
    const rails = await railsAt("2026-11-21T10:00:59.999Z", { budget: { hour_micros: 100 } });
    await spend(rails, 60);
    rails.clock.advance(30 * 60_000);
    await spend(rails, 40);
    rails.clock.advance(30 * 60_000 + 1);
    // 11:01:00.000: the first bucket has left, the second has not.
    expect(await refusedBy(rails, 61)).toBe("hour");
    expect(await refusedBy(rails, 60)).toBe(null);
  });

  it.each([
    ["UTC", "2026-11-21T23:59:59Z"],
    ["Europe/Berlin", "2026-11-21T22:59:59Z"],
    ["America/Los_Angeles", "2026-11-22T07:59:59Z"],
    ["Asia/Kathmandu", "2026-11-21T18:14:59Z"],
    ["Pacific/Kiritimati", "2026-11-21T09:59:59Z"],
  ])("of a day end at midnight in %s", async (timezone, lastSecond) => {
    const rails = await railsAt(lastSecond, { timezone, budget: { day_micros: 100 } });
    await spend(rails, 100);
    rails.clock.advance(999);
    expect(await refusedBy(rails, 1)).toBe("day");
    rails.clock.advance(1);
    expect(await refusedBy(rails, 100)).toBe(null);
  });

  it.each([
    ["25 hours of the day that ends summer time", "2026-10-24T22:00:00Z", 25],
    ["23 hours of the day that begins it", "2027-03-27T23:00:00Z", 23],
  ])("of a day last the %s", async (_name, midnight, hours) => {
    const rails = await railsAt(midnight, { timezone: "Europe/Berlin", budget: { day_micros: 100 } });
    await spend(rails, 100);
    rails.clock.advance(hours * HOUR - 1);
    expect(await refusedBy(rails, 1)).toBe("day");
    rails.clock.advance(1);
    expect(await refusedBy(rails, 100)).toBe(null);
  });

  it("of a month end with the month of the time zone", async () => {
    const rails = await railsAt("2026-11-30T22:59:59Z", {
      timezone: "Europe/Berlin",
      budget: { month_micros: 100 },
    });
    await spend(rails, 100);
    expect(await refusedBy(rails, 1)).toBe("month");
    rails.clock.advance(1_000);
    expect(await refusedBy(rails, 100)).toBe(null);
  });

  it("charge a call that ends after midnight to the day that it was reserved in", async () => {
    const rails = await railsAt("2026-11-21T23:59:00Z", { budget: { day_micros: 100 } });
    const id = await sent(rails, 100);
    rails.clock.advance(120_000);
    expect(await refusedBy(rails, 100)).toBe(null);
    await ended(rails, id, settledAt(70));
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "70/0", "2026-11-22": "0/100" });
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("name the narrowest one that has no room", async () => {
    const rails = await testRails({
      budget: {
        day_micros: 10,
        hour_micros: 10,
        month_micros: 10,
        job_micros: 10,
        tick_micros: 10,
      },
    });
    expect(await refusedBy(rails, 11, { scope: { tick: "t", job: "j" } })).toBe("tick");
    expect(await refusedBy(rails, 11, { scope: { tick: null, job: "j" } })).toBe("job");
    expect(await refusedBy(rails, 11)).toBe("hour");
  });
});

describe("a cap that changes in the middle of a day", () => {
  const cap = (rails: RailsOn, caps: Caps) => {
    const { caps: before, ...rest } = rails.budget.budget;
    rails.budget = { ...rails.budget, budget: budgetOf({ ...before, ...rest, ...caps }) };
  };

  it("refuses at once when it was lowered below what is spent, and what is under way still settles", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    const id = await sent(rails, 800);
    cap(rails, { day_micros: 500 });
    expect(await refusedBy(rails, 0)).toBe("day");
    expect(await ended(rails, id, settledAt(700))).toBe(true);
    expect(await refusedBy(rails, 1)).toBe("day");
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("has the more room when it was raised", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await spend(rails, 1_000);
    cap(rails, { day_micros: 1_500 });
    expect(await refusedBy(rails, 501)).toBe("day");
    expect(await refusedBy(rails, 500)).toBe(null);
  });

  it("knows what was spent before there was one", async () => {
    const rails = await testRails();
    const scope = { tick: "t", job: "j" };
    await spend(rails, 600, { scope });
    for (const [name, window] of [
      ["hour_micros", "hour"],
      ["month_micros", "month"],
      ["job_micros", "job"],
      ["tick_micros", "tick"],
    ] as const) {
      cap(rails, { [name]: 1_000 });
      expect(await refusedBy(rails, 401, { scope })).toBe(window);
      cap(rails, { [name]: undefined });
    }
  });

  it("is lowered below an overrun without the schema's own check standing in the way", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    await ended(rails, await sent(rails, 900), settledAt(5_000));
    cap(rails, { day_micros: 6_000 });
    await spend(rails, 1_000);
    cap(rails, { day_micros: 100 });
    expect(await refusedBy(rails, 0)).toBe("day");
  });
});

describe("more than the estimate", () => {
  it("is recorded in full, alerted once, and leaves no room", async () => {
    const rails = await testRails({ budget: { day_micros: 1_000 } });
    const id = await sent(rails, 1_000);
    await ended(rails, id, settledAt(4_000));
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "4000/0" });
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 4_000 }]);
    expect(await alerts(rails, "overrun")).toMatchObject([
      { key: `overrun:${id}`, spentUsd: 0.004, severity: "error" },
    ]);
    expect(await refusedBy(rails, 0)).toBe("day");
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });
});

describe("the end of a call", () => {
  it("comes once: what is settled is not touched again", async () => {
    const rails = await testRails();
    const id = await sent(rails, 500);
    await ended(rails, id, settledAt(200));
    for (const ending of [settledAt(1), UNKNOWN, RELEASED])
      expect(await ended(rails, id, ending)).toBe(false);
    expect(await entries(rails)).toMatchObject([{ state: "settled", cost_micros: 200 }]);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "200/0" });
  });

  it("is not taken from one that was given back", async () => {
    const rails = await testRails();
    const id = await reserved(rails, 500);
    await ended(rails, id, RELEASED);
    expect(await rails.store.atomically((trx) => markSending(trx, id))).toBe(false);
    for (const ending of [settledAt(1), UNKNOWN, RELEASED])
      expect(await ended(rails, id, ending)).toBe(false);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "0/0" });
    expect(await states(rails)).toEqual(["released"]);
  });

  it("cannot be a cost or unknown before anything was sent", async () => {
    const rails = await testRails();
    const id = await reserved(rails, 500);
    expect(await ended(rails, id, settledAt(1))).toBe(false);
    expect(await ended(rails, id, UNKNOWN)).toBe(false);
    expect(await states(rails)).toEqual(["reserved"]);
  });

  it("may still be told of a call that was taken for lost, but not that it was free", async () => {
    const rails = await testRails();
    const [late, free] = [await sent(rails, 500), await sent(rails, 500)];
    await ended(rails, late, UNKNOWN);
    await ended(rails, free, UNKNOWN);
    expect(await ended(rails, late, settledAt(120))).toBe(true);
    expect(await ended(rails, free, RELEASED)).toBe(false);
    expect(await counters(rails, "day")).toEqual({ "2026-11-21": "120/500" });
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("is sent once: a second process cannot mark the same entry", async () => {
    const rails = await testRails();
    const id = await reserved(rails, 500);
    expect(await rails.store.atomically((trx) => markSending(trx, id))).toBe(true);
    expect(await rails.store.atomically((trx) => markSending(trx, id))).toBe(false);
    expect(await rails.store.atomically((trx) => markSending(trx, "no-such-entry"))).toBe(false);
  });
});
