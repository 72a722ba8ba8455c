import { expect, test } from "vitest";
import type { Item } from "../../../src/jobs/items/item.ts";
import { askedKeys, groupItems, selectNew } from "../../../src/jobs/items/select.ts";

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
  return { chosen: chosen.map((group) => group.item.key), ...rest, waiting: rest.waiting.length };
};

test("newest first, and what is equal or undated in the order of its source", () => {
  expect(select([[item("b", 1), item("none", null), item("a", 1)], [item("new", 9)]]).chosen).toEqual([
    "new",
    "b",
    "none",
    "a",
  ]);
  expect(select([[item("a", null), item("b", null)], [item("dated", 1)]]).chosen).toEqual([
    "dated",
    "a",
    "b",
  ]);
});

test("of a source without dates the first are taken, in its order", () => {
  const undated = Array.from({ length: 60 }, (_, n) => item(String(60 - n), null));
  const { chosen, waiting } = select([undated], 30);
  expect(chosen).toEqual(Array.from({ length: 30 }, (_, n) => String(60 - n)));
  expect(waiting).toBe(30);
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

test("an item of two sources names both, however its address is written", () => {
  const [[group] = []] = groupItems([
    [item("a", 1, "http://www.example.org/x/")],
    [{ ...item("b", 1, "https://example.org/x"), source: "t" }],
    [{ ...item("a", 1, "http://www.example.org/x/"), source: "t" }],
  ]);
  expect(group!.item).toMatchObject({ key: "a", source: "s", sources: ["s", "t"] });
});

test("an item is known by any of its identities, and remembered under all", () => {
  const old = { ...item("new id", 1), aliases: ["old id"] };
  expect(select([[old]], 9, ["old id"])).toEqual({ chosen: [], waiting: 0, keys: ["new id"] });
  expect(select([[old]]).keys).toEqual(["new id", "old id"]);
  expect(select([[old], [item("old id")]]).chosen).toEqual(["new id"]);
});

test("of items that an earlier version took for one, none comes again, and later ones come", () => {
  const shared = (key: string) => ({ ...item(key, 1), sharedKey: "g" });
  expect(askedKeys(groupItems([[shared("a")]]))).toEqual(["a", "g"]);
  expect(select([[shared("a"), shared("b")]]).chosen).toEqual(["a", "b"]);
  expect(select([[shared("a"), shared("b")]], 9, ["g"])).toEqual({
    chosen: [],
    waiting: 0,
    keys: ["a", "b"],
  });
  expect(select([[shared("c"), shared("a")]], 9, ["g", "a", "b"]).chosen).toEqual(["c"]);
});

test("what one digest remembers is bounded, its own items first", () => {
  const known = Array.from({ length: 9_000 }, (_, n) => ({ ...item(`k${n}`), aliases: [`a${n}`] }));
  const seen = known.map(({ key }) => key);
  const { keys } = selectNew(groupItems([[...known, item("new", -1)]]), new Set(seen), 10);
  expect(keys).toHaveLength(8_000);
  expect(keys[0]).toBe("new");
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

test("events come first and the soonest of them, whatever their figure", () => {
  const event = (key: string, startsAt: number): Item => ({ ...item(key, startsAt), startsAt });
  const sources = [[item("news", 99)], [event("soon", 5), event("later", 50), event("last", 60)]];
  expect(select(sources).chosen).toEqual(["soon", "later", "last", "news"]);
  expect(select(sources, 2).chosen).toEqual(["soon", "news"]);
  const scored = selectNew(groupItems(sources), new Set(), 3, ({ item: { key } }) =>
    key === "news" ? 9 : 0,
  );
  expect(scored.chosen.map((group) => group.item.key)).toEqual(["soon", "later", "last"]);
});
