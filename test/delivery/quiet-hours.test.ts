import { describe, expect, it } from "vitest";
import { quietUntil } from "../../src/delivery/quiet-hours.ts";

const minutes = (text: string) => {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return hour * 60 + minute;
};
const end = (hours: string, timezone: string, at: string) => {
  const [from = "", until = ""] = hours.split("-");
  const endMs = quietUntil({ from: minutes(from), until: minutes(until) }, timezone, Date.parse(at));
  return endMs === null ? null : new Date(endMs).toISOString();
};

describe("quiet hours", () => {
  it.each([
    ["before", "22:00-07:00", "UTC", "2026-11-29T21:59:59.999Z", null],
    ["at their beginning", "22:00-07:00", "UTC", "2026-11-29T22:00:00Z", "2026-11-30T07:00:00.000Z"],
    ["across midnight", "22:00-07:00", "UTC", "2026-11-30T00:30:00Z", "2026-11-30T07:00:00.000Z"],
    ["at their end", "22:00-07:00", "UTC", "2026-11-30T07:00:00Z", null],
    ["within one day", "12:00-14:00", "UTC", "2026-11-30T13:00:00Z", "2026-11-30T14:00:00.000Z"],
    ["until midnight", "22:00-24:00", "UTC", "2026-11-30T23:00:00Z", "2026-12-01T00:00:00.000Z"],
    ["over a year's end", "22:00-07:00", "UTC", "2026-12-31T23:00:00Z", "2027-01-01T07:00:00.000Z"],
    [
      "in the agent's zone",
      "22:00-07:00",
      "Asia/Kolkata",
      "2026-11-30T17:00:00Z",
      "2026-12-01T01:30:00.000Z",
    ],
    [
      "west of the date line",
      "22:00-07:00",
      "Pacific/Honolulu",
      "2026-11-30T09:00:00Z",
      "2026-11-30T17:00:00.000Z",
    ],
  ])("%s", (_, hours, timezone, at, expected) => {
    expect(end(hours, timezone, at)).toBe(expected);
  });

  it.each([
    // 2026-03-29: 02:00 becomes 03:00. The night has an hour less.
    ["a night that loses an hour", "22:00-07:00", "2026-03-28T22:30:00Z", "2026-03-29T05:00:00.000Z"],
    ["an end that does not exist", "22:00-02:30", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00.000Z"],
    ["after an end that did not exist", "22:00-02:30", "2026-03-29T01:30:00Z", null],
    // 2026-10-25: 03:00 becomes 02:00. The night has an hour more.
    ["a night that gains an hour", "22:00-07:00", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00.000Z"],
    [
      "the hour that comes twice, the second time",
      "22:00-07:00",
      "2026-10-25T01:30:00Z",
      "2026-10-25T06:00:00.000Z",
    ],
    [
      "an end in the hour that comes twice",
      "22:00-02:30",
      "2026-10-25T00:10:00Z",
      "2026-10-25T00:30:00.000Z",
    ],
    ["after that end, though the clock shows the time again", "22:00-02:30", "2026-10-25T01:10:00Z", null],
    [
      "a beginning in that hour, when it comes again",
      "02:30-07:00",
      "2026-10-25T01:10:00Z",
      "2026-10-25T06:00:00.000Z",
    ],
  ])("over a change of the clock: %s", (_, hours, at, expected) => {
    expect(end(hours, "Europe/Berlin", at)).toBe(expected);
  });

  it("always end ahead, and are over when they end", () => {
    const hours = { from: minutes("21:15"), until: minutes("06:45") };
    for (const timezone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]) {
      for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 47 * 60_000) {
        const endMs = quietUntil(hours, timezone, at);
        if (endMs === null) continue;
        expect(endMs).toBeGreaterThan(at);
        expect(endMs - at).toBeLessThan(11 * 3_600_000);
        expect(quietUntil(hours, timezone, endMs)).toBeNull();
      }
    }
  });
});
