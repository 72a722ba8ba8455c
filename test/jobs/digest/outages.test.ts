import { expect, test } from "vitest";
import { reviewOmissions, reviewOutages } from "../../../src/jobs/sources/fetch-sources.ts";
import { fakeJob } from "../../support/job-context.ts";

const NOON = Date.UTC(2026, 10, 20, 12);

/** Plays one run a line: the day of November and whether the source failed. */
async function play(runs: [day: number, hasFailed: boolean][]) {
  const seen = new Set<string>();
  const outcomes: boolean[] = [];
  for (const [day, hasFailed] of runs) {
    const { context } = fakeJob(null, {
      memory: { steps: new Map(), seen },
      slotMs: NOON + (day - 20) * 86_400_000,
    });
    const source = { id: "s", label: "S", error: hasFailed ? "404" : null };
    const { isNews, keys } = await reviewOutages(context, [source]);
    for (const key of keys) seen.add(key);
    outcomes.push(isNews);
  }
  return outcomes;
}

test("a failure is worth a digest once a day, and again on the next", async () => {
  expect(
    await play([
      [1, true],
      [1, false],
      [1, true],
      [2, true],
    ]),
  ).toEqual([true, false, false, true]);
});

test("a source that works is no news", async () => {
  expect(
    await play([
      [1, false],
      [2, true],
      [3, false],
    ]),
  ).toEqual([false, true, false]);
});

test("what is left out is worth a digest once, and again when something else is", async () => {
  const seen = new Set<string>();
  const review = async (id: string, ...notes: string[]) => {
    const isSeen = async (keys: string[]) => new Set(keys.filter((key) => seen.has(key)));
    const { isNews, keys } = await reviewOmissions({ isSeen }, [{ id, notes }]);
    for (const key of keys) seen.add(key);
    return isNews;
  };
  expect(await review("a")).toBe(false);
  expect(await review("a", "passed over 2 that afk does not read: 2 .pdf")).toBe(true);
  expect(await review("a", "passed over 13 that afk does not read: 13 .pdf")).toBe(false);
  expect(await review("a", "passed over 14 that afk does not read: 13 .pdf, 1 .doc")).toBe(true);
  expect(await review("b", "passed over 2 that afk does not read: 2 .pdf")).toBe(true);
  expect(await review("a", "left out photo-1.eml: it has no mail headers")).toBe(true);
  expect(await review("a", "left out photo-2.eml: it has no mail headers")).toBe(true);
});
