import { expect, test } from "vitest";
import { dayIn } from "../../src/lib/days.ts";

test.each([
  ["2026-11-21T00:00:00Z", "UTC", "2026-11-21"],
  ["2026-11-20T23:59:59.999Z", "UTC", "2026-11-20"],
  ["2026-11-21T22:59:59Z", "Europe/Berlin", "2026-11-21"],
  ["2026-11-21T23:00:00Z", "Europe/Berlin", "2026-11-22"],
  ["2026-07-01T21:59:59Z", "Europe/Berlin", "2026-07-01"],
  ["2026-07-01T22:00:00Z", "Europe/Berlin", "2026-07-02"],
  ["2026-01-01T04:59:59Z", "America/New_York", "2025-12-31"],
  ["2026-01-01T10:00:00Z", "Pacific/Kiritimati", "2026-01-02"],
  ["2026-02-28T18:30:00Z", "Asia/Kolkata", "2026-03-01"],
  ["1999-12-31T23:59:59Z", "UTC", "1999-12-31"],
])("%s in %s is on %s", (instant, timezone, day) => {
  expect(dayIn(Date.parse(instant), timezone)).toBe(day);
});

test("the day changes once at midnight where the clocks are set back", () => {
  const days = new Set<string>();
  const start = Date.parse("2026-10-24T22:00:00Z");
  for (let minute = 0; minute < 25 * 60; minute++) days.add(dayIn(start + minute * 60_000, "Europe/Berlin"));
  expect([...days]).toEqual(["2026-10-25"]);
  expect(dayIn(start + 25 * 3_600_000, "Europe/Berlin")).toBe("2026-10-26");
});

test("a time zone that does not exist is refused", () => {
  expect(() => dayIn(0, "Europe/Nowhere")).toThrow(RangeError);
});

test("the day in UTC is the one that the time zone database gives", () => {
  for (let hour = 0; hour < 24 * 800; hour += 7) {
    const ms = Date.UTC(2026, 0, 1) + hour * 3_600_000 - 1;
    expect(dayIn(ms, "UTC")).toBe(dayIn(ms, "Etc/UTC"));
  }
});
