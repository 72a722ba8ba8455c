import { expect, test } from "vitest";
import type { Item } from "../../../src/jobs/digest/item.ts";
import { groupItems, selectNew } from "../../../src/jobs/digest/select.ts";

const item = (key: string, publishedAt: number | null = 0, link: string | null = null): Item => ({
  key,
  title: key,
  link,
  text: "",
  publishedAt,
  source: "s",
});

const select = (sources: Item[][], itemsMax = 100, seen: string[] = []) => {
  const { chosen, ...rest } = selectNew(groupItems(sources), new Set(seen), itemsMax);
  return { chosen: chosen.map((group) => group.item.key), ...rest };
};

test("newest first, undated last, equals in a fixed order", () => {
  expect(select([[item("b", 1), item("none", null), item("a", 1)], [item("new", 9)]]).chosen).toEqual([
    "new",
    "a",
    "b",
    "none",
  ]);
});

test("a loud source leaves room for quiet ones", () => {
  const loud = Array.from({ length: 10 }, (_, n) => item(`loud${n}`, 100 + n));
  const { chosen, waiting } = select([loud, [item("quiet", 1)], [item("calm", 2)]], 4);
  expect(chosen).toEqual(["loud9", "loud8", "calm", "quiet"]);
  expect(waiting).toBe(8);
});

test("what found no room is not remembered", () => {
  expect(select([[item("a", 2), item("b", 1)]], 1)).toEqual({ chosen: ["a"], waiting: 1, keys: ["a"] });
  expect(select([[item("a", 2), item("b", 1)]], 1, ["a"])).toEqual({
    chosen: ["b"],
    waiting: 0,
    keys: ["b"],
  });
});

test("the same link in two sources is one item, remembered under both keys", () => {
  const sources = [[item("a", 1, "https://example.org/x")], [item("b", 2, "https://example.org/x")]];
  expect(select(sources)).toEqual({ chosen: ["a"], waiting: 0, keys: ["a", "b"] });
  expect(select(sources, 100, ["b"])).toEqual({ chosen: [], waiting: 0, keys: ["a"] });
});

test("the same link within one source may stand for different things", () => {
  expect(
    select([[item("a", 2, "https://example.org/status"), item("b", 1, "https://example.org/status")]]).chosen,
  ).toEqual(["a", "b"]);
});

test("the same key counts once, in one source and in several", () => {
  expect(select([[item("a"), item("a")], [item("a")]]).chosen).toEqual(["a"]);
});

test("an item is remembered under its other identities too, and known by any of them", () => {
  const moved = { ...item("new"), aliases: ["old"] };
  expect(selectNew(groupItems([[moved]]), new Set(["old"]), 9)).toMatchObject({ chosen: [], keys: ["new"] });
  expect(selectNew(groupItems([[moved], [item("old")]]), new Set(), 9).keys).toEqual(["new", "old"]);
});
