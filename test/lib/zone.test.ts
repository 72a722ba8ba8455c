import { Cron } from "croner";
import { expect, test } from "vitest";
import { cronZone, instantIn, momentText, timeText, wallTime } from "../../src/lib/zone.ts";

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

test.each(["0 6 * * *", "*/7 * * * *", "30 2 29 2 *", "0 0 31 * 1", "15 23 * 1,7 *"])(
  "a cron line (%s) comes at the same times by the offset of UTC as by its name",
  (line) => {
    expect(cronZone("Europe/Berlin")).toEqual({ timezone: "Europe/Berlin" });
    const from = new Date("2026-11-21T10:04:05Z");
    const times = (zone: object) => {
      const cron = new Cron(line, { mode: "5-part", paused: true, ...zone });
      return [...cron.nextRuns(50, from), ...cron.previousRuns(5, from)].map((date) => date.toISOString());
    };
    expect(times(cronZone("UTC"))).toEqual(times({ timezone: "Etc/UTC" }));
  },
);
