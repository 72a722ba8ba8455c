import { expect, test } from "vitest";
import { rank } from "../../../src/jobs/digest/rank.ts";
import { type Group, selectNew } from "../../../src/jobs/items/select.ts";
import type { PrintedItem } from "../../../src/jobs/printed-items.ts";

const NOW = Date.UTC(2026, 10, 29, 6);
const DAY = 86_400_000;

const group = (title: string, source: string, ageDays: number | null, text = ""): Group => ({
  item: {
    key: title,
    title,
    link: null,
    text,
    publishedAt: ageDays === null ? null : NOW - ageDays * DAY,
    source,
  },
  keys: [title],
});

const vote = (source: string, value: 1 | -1, ageDays = 0): PrintedItem => ({
  id: "k7f3qd",
  job: "digest",
  key: "k",
  label: "2026-11-01",
  title: "t",
  link: null,
  source,
  summary: "",
  publishedAt: null,
  score: null,
  vote: value,
  ratedAt: NOW - ageDays * DAY,
});

function standings(
  groups: Group[][],
  interests: string[],
  rated: PrintedItem[] = [],
  weights: number[] = [],
) {
  const found = rank(groups, { interests, weights, rated, nowMs: NOW });
  const { chosen } = selectNew(groups, new Set(), 100, (each) => found.get(each)!.score);
  return chosen.map((each) => [each.item.title, found.get(each)!.score, found.get(each)!.reasons.join("; ")]);
}

test("what matches an interest comes before what is new, and says so", () => {
  const groups = [[group("Harbour", "A", 0), group("Postgres 19", "A", 5, "The sailing club uses postgres")]];
  expect(standings(groups, ["sailing", "postgres"])).toEqual([
    ["Postgres 19", expect.any(Number), "matches postgres, sailing"],
    ["Harbour", 1_000, "by its date alone"],
  ]);
});

test("without a match the newest is first: half for each day, half for no date, never more than of now", () => {
  const groups = [
    [group("old", "A", 2), group("none", "A", null), group("future", "A", -3), group("new", "A", 0.5)],
  ];
  expect(standings(groups, ["postgres"]).map(([title, score]) => [title, score])).toEqual([
    ["future", 1_000],
    ["new", 707],
    ["none", 500],
    ["old", 250],
  ]);
});

test("votes move a source by less than one match, are bounded, and fade", () => {
  const groups = [[group("a", "A", 0), group("b", "B", 0), group("c", "C", 0)]];
  const rated = [...Array.from({ length: 500 }, () => vote("B", 1)), vote("C", -1), vote("A", 1, 200)];
  expect(standings(groups, ["postgres"], rated)).toEqual([
    ["b", 1_994, "you rated B up"],
    ["a", 1_003, "by its date alone"],
    ["c", 750, "you rated C down"],
  ]);
  const old = standings(groups, ["postgres"], [vote("B", -1, 30)]);
  expect(old.at(-1)).toEqual(["b", 1_000 - 143, "you rated B down"]);
});

test("a source of weight 2 counts twice, one of 0 not at all", () => {
  const groups = [[group("a", "A", 1)], [group("b", "B", 1)], [group("c", "C", 1)]];
  expect(standings(groups, ["postgres"], [], [1, 2, 0])).toEqual([
    ["b", 1_000, "by its date; weight 2"],
    ["a", 500, "by its date alone"],
    ["c", 0, "weight 0"],
  ]);
});

test("equals stand as in a digest without interests", () => {
  const groups = [[group("b", "A", 1), group("a", "A", 1)]];
  expect(standings(groups, ["postgres"]).map(([title]) => title)).toEqual(["b", "a"]);
});
