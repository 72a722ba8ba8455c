import { expect, test } from "vitest";
import { latestCron, nextCron } from "../../src/lib/cron.ts";

const LINES = ["0 6 * * *", "*/7 * * * *", "30 2 29 2 *", "0 0 31 * 1", "15 23 * 1,7 *"];
const from = Date.parse("2026-11-21T10:04:05Z");

/** Each time found from the one before; the first from `from`. */
function timesBy(step: (ms: number) => number | null, count: number): (number | null)[] {
  const times: (number | null)[] = [from];
  for (let n = 0; n < count; n++) times.push(step(times.at(-1) ?? Number.NaN));
  return times.slice(1);
}

test("a line names times in its zone's own days", () => {
  expect(nextCron("0 6 * * *", "Europe/Berlin", from)).toBe(Date.parse("2026-11-22T05:00:00Z"));
  expect(latestCron("0 6 * * *", "Europe/Berlin", from)).toBe(Date.parse("2026-11-21T05:00:00Z"));
});

test("the next time is a later one, and the latest may be now", () => {
  const six = Date.parse("2026-11-21T06:00:00Z");
  expect(nextCron("0 6 * * *", "UTC", six)).toBe(Date.parse("2026-11-22T06:00:00Z"));
  expect(latestCron("0 6 * * *", "UTC", six)).toBe(six);
});

test("a date that does not exist never comes", () => {
  expect(nextCron("0 6 30 2 *", "UTC", from)).toBeNull();
  expect(latestCron("0 6 30 2 *", "UTC", from)).toBeNull();
});

test.each(["0 0 6 * * *", "6 o'clock", ""])("what is no line of five fields (%j) is refused", (line) => {
  expect(() => nextCron(line, "UTC", from)).toThrow("CronPattern");
});

test.each(LINES)(
  "a line (%s) comes at the same times in UTC as in a zone that is the same by another name",
  (line) => {
    const next = (timezone: string) => timesBy((ms) => nextCron(line, timezone, ms), 50);
    const previous = (timezone: string) => timesBy((ms) => latestCron(line, timezone, ms - 1), 5);
    expect(next("UTC")).toEqual(next("Etc/UTC"));
    expect(previous("UTC")).toEqual(previous("Etc/UTC"));
    for (const ms of [...next("UTC"), ...previous("UTC")]) expect(ms).toEqual(expect.any(Number));
  },
);
