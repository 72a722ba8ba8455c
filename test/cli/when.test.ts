import { expect, test } from "vitest";
import { parseWhen } from "../../src/cli/when.ts";

const nowMs = Date.parse("2026-11-21T10:00:00Z");
const at = (text: string, more: { timezone?: string; wholeDay?: boolean } = {}) =>
  new Date(parseWhen("since", text, { nowMs, timezone: "Europe/Berlin", ...more })).toISOString();

test.each([
  ["2h", "2026-11-21T08:00:00.000Z"],
  ["1d12h", "2026-11-19T22:00:00.000Z"],
  ["2026-11-21T10:30Z", "2026-11-21T10:30:00.000Z"],
  ["2026-11-21T10:30:05+02:00", "2026-11-21T08:30:05.000Z"],
  ["2026-11-21", "2026-11-20T23:00:00.000Z"],
  ["2026-11-21 06:30", "2026-11-21T05:30:00.000Z"],
  ["2026-07-01T06:30", "2026-07-01T04:30:00.000Z"],
  ["2026-10-25 02:30", "2026-10-25T00:30:00.000Z"],
  ["2026-03-29 02:30", "2026-03-29T01:30:00.000Z"],
])("%s is %s", (text, instant) => {
  expect(at(text)).toBe(instant);
});

test("an end takes a whole day with it, also the last one of a month and the one of 25 hours", () => {
  expect(at("2026-11-30", { wholeDay: true })).toBe("2026-11-30T23:00:00.000Z");
  expect(at("2026-10-25", { wholeDay: true })).toBe("2026-10-25T23:00:00.000Z");
  expect(at("2026-11-21 06:30", { wholeDay: true })).toBe("2026-11-21T05:30:00.000Z");
});

test.each(["yesterday", "2026-13-45", "2026-02-30", "2h ago", "", "0h", "2026-11-21T25:00", "10:00"])(
  "%j is refused, with what could be written",
  (text) => {
    expect(() => at(text)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining("2h") }),
    );
  },
);
