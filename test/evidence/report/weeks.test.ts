import { expect, test } from "vitest";
import { WEEKS_MAX, weekAt, weekOf, weeksIn } from "../../../src/evidence/report/weeks.ts";

test.each([
  ["2026-11-21", "2026-W47", "2026-11-16", "2026-11-22"],
  ["2026-11-16", "2026-W47", "2026-11-16", "2026-11-22"],
  ["2026-01-01", "2026-W01", "2025-12-29", "2026-01-04"],
  ["2027-01-03", "2026-W53", "2026-12-28", "2027-01-03"],
  ["2024-12-30", "2025-W01", "2024-12-30", "2025-01-05"],
  ["2021-01-03", "2020-W53", "2020-12-28", "2021-01-03"],
])("%s is in %s", (day, week, firstDay, lastDay) => {
  expect(weekOf(day)).toEqual({ week, firstDay, lastDay });
});

test("a week begins at midnight of the agent's zone, and is an hour longer when the clocks go back", () => {
  const week = weekAt(Date.parse("2026-10-25T12:00:00Z"), "Europe/Berlin");
  expect(new Date(week.fromMs).toISOString()).toBe("2026-10-18T22:00:00.000Z");
  expect(week.untilMs - week.fromMs).toBe((7 * 24 + 1) * 3_600_000);
  expect(week.isWhole).toBe(false);
  expect(weekAt(week.untilMs, "Europe/Berlin", 1)).toEqual({ ...week, isWhole: true });
});

test("a span is cut into weeks without gap or overlap", () => {
  const span = { fromMs: Date.parse("2026-12-24T10:00:00Z"), untilMs: Date.parse("2027-01-13T10:00:00Z") };
  const weeks = weeksIn(span, "Pacific/Auckland");
  expect(weeks.map(({ week, isWhole }) => [week, isWhole])).toEqual([
    ["2026-W52", false],
    ["2026-W53", true],
    ["2027-W01", true],
    ["2027-W02", false],
  ]);
  expect(weeks[0]?.fromMs).toBe(span.fromMs);
  expect(weeks.at(-1)?.untilMs).toBe(span.untilMs);
  for (const [at, week] of weeks.entries()) if (at > 0) expect(week.fromMs).toBe(weeks[at - 1]?.untilMs);
});

test("weeks are bounded, and the newest are kept", () => {
  const untilMs = Date.parse("2026-11-21T00:00:00Z");
  const weeks = weeksIn({ fromMs: 0, untilMs }, "UTC");
  expect(weeks).toHaveLength(WEEKS_MAX);
  expect(weeks.at(-1)?.untilMs).toBe(untilMs);
});
