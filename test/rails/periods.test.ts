import { expect, it } from "vitest";
import { DAY_MS } from "../../src/lib/durations.ts";
import { acceptWallClock } from "../../src/rails/budget-time.ts";
import { peekPeriods } from "../../src/rails/periods.ts";
import { counters, refusedBy, spend, testRails } from "../support/rails.ts";

it("goes back to the day that a person goes back to, with what was spent in it", async () => {
  const rails = await testRails({ budget: { day_micros: 1_000 } });
  await spend(rails, 700);
  // The machine starts with a clock that is far ahead, which nothing contradicts.
  rails.clock.reboot(400 * DAY_MS);
  await spend(rails, 900);
  rails.clock.jump(-400 * DAY_MS);
  await rails.store.atomically((trx) => acceptWallClock(trx, rails.clock, { isBackToo: true }));
  expect(await refusedBy(rails, 400)).toBe("day");
  await spend(rails, 300);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "1000/0", "2027-12-26": "900/0" });
});

it("writes nothing while what is open stays open, and nothing at all for those who only reads", async () => {
  const rails = await testRails();
  const nowMs = rails.clock.nowMs();
  const peeked = await peekPeriods(rails.store.db, nowMs, "Asia/Tokyo");
  const rows = () => rails.store.db.selectFrom("open_periods").selectAll().execute();
  expect(peeked).toEqual({
    minute: "2026-11-21T10:00",
    day: "2026-11-21",
    week: "2026-W47",
    month: "2026-11",
  });
  expect(await rows()).toEqual([]);
  await spend(rails, 1);
  const opened = await rows();
  rails.clock.advance(DAY_MS / 2);
  await spend(rails, 1);
  expect(await rows()).toEqual(opened);
  expect(opened).toEqual([
    { window: "day", period: "2026-11-21", opened_at: nowMs, ends_at: Date.parse("2026-11-22T00:00:00Z") },
    {
      window: "week",
      period: "2026-W47",
      opened_at: nowMs,
      ends_at: Date.parse("2026-11-23T00:00:00Z"),
    },
    { window: "month", period: "2026-11", opened_at: nowMs, ends_at: Date.parse("2026-12-01T00:00:00Z") },
  ]);
});
