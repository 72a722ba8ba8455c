import { describe, expect, it } from "vitest";
import { periodsAt, windowsOf } from "../../src/rails/windows.ts";
import { budgetOf } from "../support/rails-on.ts";

const at = (iso: string, timezone: string) => periodsAt(Date.parse(iso), timezone);

describe("the day and the month of an instant", () => {
  it.each([
    ["2026-11-21T23:59:59.999Z", "UTC", "2026-11-21", "2026-11"],
    ["2026-11-30T23:30:00Z", "Europe/Berlin", "2026-12-01", "2026-12"],
    ["2026-12-31T10:30:00Z", "Pacific/Kiritimati", "2027-01-01", "2027-01"],
    ["2026-12-01T09:59:00Z", "Pacific/Honolulu", "2026-11-30", "2026-11"],
    ["2026-11-20T18:15:00Z", "Asia/Kathmandu", "2026-11-21", "2026-11"],
    ["2026-11-20T18:14:59Z", "Asia/Kathmandu", "2026-11-20", "2026-11"],
    // Berlin's day of 25 hours: from 22:00 to 23:00 UTC of the next day.
    ["2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25", "2026-10"],
    ["2026-10-25T22:59:59Z", "Europe/Berlin", "2026-10-25", "2026-10"],
    ["2026-10-25T23:00:00Z", "Europe/Berlin", "2026-10-26", "2026-10"],
    // Its day of 23 hours.
    ["2026-03-28T23:00:00Z", "Europe/Berlin", "2026-03-29", "2026-03"],
    ["2026-03-29T22:00:00Z", "Europe/Berlin", "2026-03-30", "2026-03"],
    // Midnight does not exist on this day.
    ["2026-09-06T03:59:59Z", "America/Santiago", "2026-09-05", "2026-09"],
    ["2026-09-06T04:00:00Z", "America/Santiago", "2026-09-06", "2026-09"],
  ])("%s in %s is %s", (iso, timezone, day, month) => {
    expect(at(iso, timezone)).toMatchObject({ day, month });
  });

  it.each([
    ["2026-10-25", 25],
    ["2026-03-29", 23],
    ["2026-11-21", 24],
  ])("has as many hours on %s as Berlin has: %i", (day, hours) => {
    const start = Date.parse(`${day}T00:00:00Z`) - 24 * 3_600_000;
    const found = Array.from({ length: 72 }, (_, n) => start + n * 3_600_000);
    expect(found.filter((ms) => periodsAt(ms, "Europe/Berlin").day === day)).toHaveLength(hours);
  });
});

it("tells the two hours apart that a clock set back for the winter shows twice", () => {
  expect(at("2026-10-25T00:30:00Z", "Europe/Berlin").minute).toBe("2026-10-25T00:30");
  expect(at("2026-10-25T01:30:00Z", "Europe/Berlin").minute).toBe("2026-10-25T01:30");
});

it("counts a call in a tick and a job only when it is made in one, and in every window with or without a cap", () => {
  const budget = budgetOf({ day_micros: 5, job_micros: 2 });
  const periods = { minute: "m", day: "d", week: "w", month: "mo" };
  const names = (tick: string | null, job: string | null) =>
    windowsOf(periods, { tick, job }, budget).map(({ window, period, caps }) => [
      window,
      period,
      caps.micros ?? null,
    ]);
  const calendar = [
    ["hour", "m", null],
    ["day", "d", 5],
    ["week", "w", null],
    ["month", "mo", null],
  ];
  expect(names(null, null)).toEqual(calendar);
  expect(names("t", "j")).toEqual([["tick", "t", null], ["job", "j", 2], ...calendar]);
});
