import { expect, test } from "vitest";
import { type NewlyPrinted, readPrinted, savePrinted, saveVote } from "../../src/jobs/printed-items.ts";
import { testStore } from "../support/store.ts";

const item = (id: string, key = id): NewlyPrinted => ({
  id,
  key,
  title: `title of ${key}`,
  link: "https://example.org/",
  source: "S",
  summary: "s",
  publishedAt: 5,
  score: 1_200,
});

const ALL = { jobs: null, fromMs: 0, untilMs: 1_000 };

test("what was printed is read by job and time, the newest first, with what was said of it", async () => {
  const store = await testStore();
  const save = (name: string, items: NewlyPrinted[], atMs: number) =>
    store.atomically((trx) => savePrinted(trx, { name, label: "2026-11-21" }, items, atMs));
  await save("a", [item("aaaaaa"), item("bbbbbb")], 10);
  await save("b", [item("cccccc")], 20);
  const ids = async (query: object) =>
    (await readPrinted(store.db, { ...ALL, ...query })).map(({ id }) => id);
  expect(await ids({})).toEqual(["cccccc", "aaaaaa", "bbbbbb"]);
  expect(await ids({ jobs: ["a"] })).toEqual(["aaaaaa", "bbbbbb"]);
  expect(await ids({ jobs: [] })).toEqual([]);
  expect(await ids({ fromMs: 10, untilMs: 20 })).toEqual(["aaaaaa", "bbbbbb"]);
  expect(await store.atomically((trx) => saveVote(trx, "bbbbbb", -1, 30))).toMatchObject({
    vote: -1,
    ratedAt: 30,
  });
  expect(await store.atomically((trx) => saveVote(trx, "bbbbbb", 1, 31))).toMatchObject({
    vote: 1,
    ratedAt: 31,
  });
  expect(await store.atomically((trx) => saveVote(trx, "dddddd", 1, 31))).toBeUndefined();
  expect(await ids({ isRated: true })).toEqual(["bbbbbb"]);
  expect((await readPrinted(store.db, { ...ALL, isRated: true }))[0]).toEqual({
    ...item("bbbbbb"),
    job: "a",
    label: "2026-11-21",
    vote: 1,
    ratedAt: 31,
  });
});

test("an id that two items have is the newer one's, without the votes of the other", async () => {
  const store = await testStore();
  const save = (key: string, atMs: number) =>
    store.atomically((trx) => savePrinted(trx, { name: "a", label: "l" }, [item("aaaaaa", key)], atMs));
  await save("one", 1);
  await store.atomically((trx) => saveVote(trx, "aaaaaa", 1, 2));
  await save("other", 3);
  expect(await readPrinted(store.db, ALL)).toMatchObject([{ key: "other", vote: null, ratedAt: null }]);
});

test("an id that could be markup is a bug of the kind that printed it", async () => {
  const store = await testStore();
  const save = store.atomically((trx) => savePrinted(trx, { name: "a", label: "l" }, [item("<b>`x`")], 1));
  await expect(save).rejects.toThrow("job a printed an item by the id");
});
