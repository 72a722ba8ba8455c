import { expect, test } from "vitest";
import { instantIn, momentText, timeText, wallTime } from "../../src/lib/zone.ts";

const at = Date.parse("2026-11-20T23:05:09Z");

test("an instant is shown by the wall clock of a zone", () => {
  expect(wallTime(at, "Europe/Berlin")).toEqual({
    year: 2026,
    month: 11,
    day: 21,
    hour: 0,
    minute: 5,
    second: 9,
    weekday: "Sat",
  });
  expect(momentText(at, "Europe/Berlin")).toBe("Sat 21 Nov 00:05");
  expect(timeText(at, "America/New_York")).toBe("18:05:09");
});

test.each(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Asia/Kathmandu"])(
  "the wall time of %s leads back to its instant, on every day of a year",
  (timezone) => {
    for (let day = 0; day < 366; day++) {
      const ms = Date.UTC(2026, 0, 1, 12, 30) + day * 86_400_000;
      expect(instantIn(timezone, wallTime(ms, timezone))).toBe(ms);
    }
  },
);
