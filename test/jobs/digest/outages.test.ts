import { expect, test } from "vitest";
import { reviewOutages } from "../../../src/jobs/digest/outages.ts";
import { fakeJob } from "../../support/job-context.ts";

const NOON = Date.UTC(2026, 10, 20, 12);

/** Plays one run a line: the day of November and whether the source failed. */
async function play(runs: [day: number, hasFailed: boolean][]) {
  const seen = new Set<string>();
  const outcomes: string[] = [];
  for (const [day, hasFailed] of runs) {
    const { context, events } = fakeJob(null, {
      memory: { steps: new Map(), seen },
      slotMs: NOON + (day - 20) * 86_400_000,
    });
    const { isNews, keys } = await reviewOutages(context, [{ id: "s", label: "S", hasFailed }]);
    for (const key of keys) seen.add(key);
    outcomes.push(isNews ? "news" : (events[0]?.event ?? "quiet"));
  }
  return outcomes;
}

test("a failure is news once a day", async () => {
  expect(
    await play([
      [1, true],
      [1, true],
      [2, true],
    ]),
  ).toEqual(["news", "quiet", "news"]);
});

test("a recovery is told of once", async () => {
  expect(
    await play([
      [1, false],
      [2, true],
      [3, false],
      [3, false],
      [4, false],
    ]),
  ).toEqual(["quiet", "news", "source_recovered", "quiet", "quiet"]);
});

test("a second failure and its recovery are told of again", async () => {
  expect(
    await play([
      [2, true],
      [3, false],
      [5, true],
      [6, false],
    ]),
  ).toEqual(["news", "source_recovered", "news", "source_recovered"]);
});
