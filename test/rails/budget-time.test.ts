import { describe, expect, it } from "vitest";
import { acceptWallClock, budgetNow, peekBudgetNow } from "../../src/rails/budget-time.ts";
import { alerts, besides, refusedBy, spend, testRails } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse("2026-11-21T10:00:00Z");

/** Budget time as a call sees it; who only looks must see the same, before and after. */
async function now(rails: RailsOn): Promise<number> {
  const peeked = await peekBudgetNow(rails.store.db, rails.clock);
  const read = await rails.store.atomically((trx) => budgetNow(trx, rails.outbox.announce, rails.clock));
  expect(peeked).toBe(read);
  expect(await peekBudgetNow(rails.store.db, rails.clock)).toBe(read);
  return read;
}

async function started() {
  const rails = await testRails({ budget: { day_micros: 100, hour_micros: 100 } });
  expect(await now(rails)).toBe(START);
  return rails;
}

const accept = (rails: RailsOn, isBackToo = false) =>
  rails.store.atomically((trx) => acceptWallClock(trx, rails.clock, { isBackToo }));

it("is the wall clock while that goes as time does", async () => {
  const rails = await started();
  rails.clock.advance(40 * DAY);
  expect(await now(rails)).toBe(START + 40 * DAY);
  expect(await alerts(rails)).toEqual([]);
});

it("bears with a clock that is corrected by less than five minutes", async () => {
  const rails = await started();
  rails.clock.jump(5 * MINUTE);
  expect(await now(rails)).toBe(START + 5 * MINUTE);
  rails.clock.jump(-4 * MINUTE);
  expect(await now(rails)).toBe(START + 5 * MINUTE);
  expect(await alerts(rails)).toEqual([]);
});

describe("a clock set back", () => {
  it.each([
    ["an hour", HOUR],
    ["two days", 2 * DAY],
    ["a year", 365 * DAY],
  ])("by %s opens no window again", async (_name, byMs) => {
    const rails = await started();
    await spend(rails, 100);
    rails.clock.jump(-byMs);
    expect(await now(rails)).toBe(START);
    expect(await refusedBy(rails, 1)).toBe("hour");
  });

  it("opens none after a reboot either", async () => {
    const rails = await started();
    await spend(rails, 100);
    rails.clock.reboot(-3 * DAY);
    expect(await now(rails)).toBe(START);
    expect(await refusedBy(rails, 1)).toBe("hour");
  });

  it("goes on by the wall clock once that has caught up", async () => {
    const rails = await started();
    rails.clock.jump(-2 * HOUR);
    rails.clock.advance(HOUR);
    expect(await now(rails)).toBe(START);
    rails.clock.advance(HOUR + MINUTE);
    expect(await now(rails)).toBe(START + MINUTE);
  });

  it("is told of once, however long it takes to catch up", async () => {
    const rails = await started();
    rails.clock.jump(-2 * DAY);
    for (let n = 0; n < 50; n++) {
      await now(rails);
      rails.clock.advance(HOUR);
    }
    expect(await alerts(rails)).toMatchObject([
      { event: "clock_jump", title: "The clock is 2880 min behind" },
    ]);
  });

  it("is told of again when it happens again", async () => {
    const rails = await started();
    rails.clock.jump(-2 * HOUR);
    await now(rails);
    rails.clock.advance(3 * HOUR);
    await now(rails);
    rails.clock.jump(-2 * HOUR);
    await now(rails);
    expect(await alerts(rails, "clock_jump")).toHaveLength(2);
  });
});

describe("a clock set forward while the machine runs", () => {
  it.each([
    ["six minutes", 6 * MINUTE],
    ["a day", DAY],
    ["ten years", 3_650 * DAY],
  ])("by %s opens no window, and is told of once", async (_name, byMs) => {
    const rails = await started();
    await spend(rails, 100);
    rails.clock.jump(byMs);
    for (let n = 0; n < 5; n++) {
      expect(await now(rails)).toBe(START + n * MINUTE);
      expect(await refusedBy(rails, 1)).toBe("hour");
      rails.clock.advance(MINUTE);
    }
    expect(await alerts(rails, "clock_jump")).toHaveLength(1);
  });

  it("in many small steps gains no more than one step's tolerance", async () => {
    const rails = await started();
    for (let n = 0; n < 100; n++) {
      rails.clock.jump(4 * MINUTE);
      expect(await now(rails)).toBeLessThanOrEqual(START + 5 * MINUTE);
    }
  });

  it("does not gain by processes that take turns", async () => {
    const rails = await started();
    const other = await besides(rails);
    for (let n = 0; n < 20; n++) {
      rails.clock.jump(4 * MINUTE);
      expect(await now(n % 2 === 0 ? other : rails)).toBeLessThanOrEqual(START + 5 * MINUTE);
    }
  });

  it("opens a window once the uptime has earned it", async () => {
    const rails = await started();
    await spend(rails, 100);
    rails.clock.jump(3 * DAY);
    rails.clock.advance(14 * HOUR - 1);
    expect(await now(rails)).toBe(START + 14 * HOUR - 1);
    expect(await refusedBy(rails, 1)).toBe("day");
    rails.clock.advance(1);
    expect(await refusedBy(rails, 100)).toBe(null);
  });

  it("counts for nothing when it is set right again", async () => {
    const rails = await started();
    rails.clock.jump(3 * DAY);
    await now(rails);
    rails.clock.jump(-3 * DAY);
    rails.clock.advance(HOUR);
    expect(await now(rails)).toBe(START + HOUR);
  });

  it("is believed after a reboot, since nothing says how long the machine was off", async () => {
    const rails = await started();
    rails.clock.reboot(3 * DAY);
    expect(await now(rails)).toBe(START + 3 * DAY);
    expect(await alerts(rails)).toEqual([]);
  });

  it("is measured from the new boot after that", async () => {
    const rails = await started();
    rails.clock.reboot(DAY);
    await now(rails);
    rails.clock.jump(DAY);
    rails.clock.advance(MINUTE);
    expect(await now(rails)).toBe(START + DAY + MINUTE);
    expect(await alerts(rails, "clock_jump")).toHaveLength(1);
  });

  it("is believed at once when a person confirms it, and the next one is not", async () => {
    const rails = await started();
    rails.clock.jump(3 * DAY);
    expect(await now(rails)).toBe(START);
    await accept(rails);
    expect(await now(rails)).toBe(START + 3 * DAY);
    rails.clock.jump(DAY);
    expect(await now(rails)).toBe(START + 3 * DAY);
    expect(await alerts(rails, "clock_jump")).toHaveLength(2);
  });
});

it("is not taken back when a person confirms it", async () => {
  const rails = await started();
  rails.clock.jump(-DAY);
  await accept(rails);
  expect(await now(rails)).toBe(START);
});

it("makes nothing of a confirmation before any call was made", async () => {
  const rails = await testRails();
  await accept(rails);
  expect(await now(rails)).toBe(START);
});

it("writes its alert in the transaction of the call that met the jump", async () => {
  const rails = await started();
  rails.clock.jump(DAY);
  const broken = rails.store.atomically(async (trx) => {
    await budgetNow(trx, rails.outbox.announce, rails.clock);
    throw new Error("crash");
  });
  await expect(broken).rejects.toThrow("crash");
  expect(await alerts(rails)).toEqual([]);
  await now(rails);
  expect(await alerts(rails)).toHaveLength(1);
});

describe("a start with a clock far ahead, which is then corrected", () => {
  async function ahead() {
    const rails = await started();
    await spend(rails, 60);
    rails.clock.reboot(73 * 365 * DAY);
    await spend(rails, 100);
    rails.clock.jump(-73 * 365 * DAY);
    return rails;
  }

  it("stays in the window that was opened, also after a plain resume", async () => {
    const rails = await ahead();
    await accept(rails);
    expect(await refusedBy(rails, 1)).toBe("hour");
  });

  it("goes back when a person confirms it, to windows that hold what was spent in them", async () => {
    const rails = await ahead();
    await accept(rails, true);
    expect(await now(rails)).toBe(rails.clock.nowMs());
    expect(await refusedBy(rails, 41)).toBe("hour");
    expect(await refusedBy(rails, 40)).toBe(null);
  });
});
