import { describe, expect, test } from "vitest";
import { safeLink, shortHash } from "../../../src/jobs/items/identity.ts";
import { newestItems, toItem } from "../../../src/jobs/items/item.ts";
import { groupItems, selectNew } from "../../../src/jobs/items/select.ts";

const key = (raw: Parameters<typeof toItem>[0], source = "a") => toItem(raw, source)!.key;

test.each([
  ["javascript:alert(1)"],
  ["JaVaScRiPt:alert(1)"],
  ["java\nscript:alert(1)"],
  ["data:text/html,<script>alert(1)</script>"],
  ["vbscript:x"],
  ["file:///etc/passwd"],
  ["mailto:a@example.org"],
  ["https://user:pass@example.org/"],
  ["//example.org/no-base"],
  ["/no-base"],
  [`https://example.org/${"a".repeat(2000)}`],
  [""],
])("drops the link %j", (link) => {
  expect(safeLink(link)).toBeNull();
});

test("keeps http and https links, in one spelling, and relative ones with a base", () => {
  expect(safeLink(" HTTPS://EXAMPLE.org/a b ")).toBe("https://example.org/a%20b");
  expect(safeLink("http://example.org/")).toBe("http://example.org/");
  expect(safeLink("../x", "https://example.org/a/b")).toBe("https://example.org/x");
  expect(safeLink("javascript:alert(1)", "https://example.org/")).toBeNull();
});

test("the key does not depend on the source, nor on a title that is edited", () => {
  expect(key({ id: "tag:x,1", title: "t" }, "a")).toBe(key({ id: "tag:x,1", title: "edited" }, "b"));
  expect(key({ link: "https://example.org/a", title: "t" })).toBe(
    key({ id: "https://EXAMPLE.org/a", title: "u" }),
  );
  expect(key({ id: "tag:x,1", title: "t" })).toMatch(/^[0-9a-f]{32}$/);
});

test("a bare id is told apart by the host of its link, so that two feeds may both have an item 17", () => {
  expect(key({ id: "17", link: "https://example.org/17", title: "t" })).not.toBe(
    key({ id: "17", link: "https://example.com/17", title: "t" }),
  );
  expect(key({ id: "17", link: "https://example.org/17", title: "t" })).toBe(
    key({ id: "17", link: "https://example.org/moved", title: "t" }),
  );
});

test("parameters that count readers are no part of an address, others stay as they are written", () => {
  const link = (path: string) => toItem({ title: "t", link: `https://example.org/${path}` }, "a")!.link;
  expect(link("a?utm_source=rss&utm_medium=x&b=c%20d+e&fbclid=1#part")).toBe(
    "https://example.org/a?b=c%20d+e#part",
  );
  expect(link("a?UTM_Source=rss#utm_campaign=x")).toBe("https://example.org/a");
  expect(link("a?mtm_kwd=x&pk_campaign=y&at_link_origin=z&wt.mc_id=1&gbraid=2&source=rss----12ab---4")).toBe(
    "https://example.org/a",
  );
  const content = "a?utmost=1&xutm_source=2&pk_id=3&source=web&ref=main&from=rssless";
  expect(link(content)).toBe(`https://example.org/${content}`);
  const tracked = { title: "t", link: "https://example.org/a?utm_source=rss" };
  const item = toItem(tracked, "a")!;
  expect(item.key).toBe(key({ title: "t", link: "https://example.org/a" }));
  // What it was remembered under by earlier versions.
  expect(item.aliases).toEqual([shortHash("https://example.org/a?utm_source=rss")]);
  expect(key({ ...tracked, id: "https://example.org/a?utm_campaign=x" })).toBe(item.key);
});

test("an item keeps the identities that it had by another link or id", () => {
  const item = toItem(
    { id: "17", title: "t", link: "https://new.example.org/17", formerLink: null, aliases: ["urn:x"] },
    "a",
  )!;
  expect([item.key, ...item.aliases!]).toEqual(["17\nnew.example.org", "17\nt", "urn:x"].map(shortHash));
});

describe("in one document", () => {
  const site = "https://example.org";
  const post = (id: string, path: string, more: Partial<Parameters<typeof toItem>[0]> = {}) => ({
    id,
    title: path,
    link: `${site}/${path}`,
    ...more,
  });
  const news = (
    first: Parameters<typeof newestItems>[0],
    second: Parameters<typeof newestItems>[0],
    home?: string,
  ) => {
    const { keys } = selectNew(groupItems([newestItems(first, "a", { home })]), new Set(), 99);
    return selectNew(groupItems([newestItems(second, "a", { home })]), new Set(keys), 99).chosen.length;
  };

  test("the same link and title under another id is the same item", () => {
    expect(news([post("1", "a"), post("2", "b")], [post("3", "a"), post("4", "b")])).toBe(0);
    const dated = (publishedAt: number, text = "x") => ({ publishedAt, text });
    expect(news([post("1", "a", dated(0))], [post("2", "a", dated(1, "edited"))])).toBe(0);
    expect(news([post("1", "a", dated(0))], [post("2", "a", dated(9e9))])).toBe(0);
  });

  test("another title, another link, or a new text of a new day is a new item", () => {
    expect(news([post("1", "a")], [post("2", "a", { title: "other" })])).toBe(1);
    expect(news([post("1", "a")], [post("2", "b", { title: "a" })])).toBe(1);
    const forecast = (day: number) =>
      post(String(day), "berlin", { publishedAt: day * 86_400_000, text: `day ${day}` });
    expect(news([forecast(1)], [forecast(2)])).toBe(1);
  });

  test("a link that several items share, or that is the site's own, tells none apart", () => {
    const status = (id: string, title: string) => post(id, "status", { title });
    expect(news([status("1", "Up"), status("2", "Down")], [status("3", "Up"), status("4", "Down")])).toBe(2);
    expect(news([post("1", "", { title: "t" })], [post("2", "", { title: "t" })])).toBe(1);
    expect(news([post("1", "blog")], [post("2", "blog")], `${site}/blog`)).toBe(1);
  });

  test("an item is the same after its site has moved to https, or to www", () => {
    const at = (link: string, id: string) => ({ id, title: "t", text: "x", link });
    const before = [at("http://example.org/a/", "http://example.org/?p=1")];
    expect(news(before, [at("https://www.example.org/a", "https://www.example.org/?p=1")])).toBe(0);
  });

  test("items with the same key and link are told apart by their titles, without a link by their texts", () => {
    const titled = (title: string) => post("feed", "page", { title });
    const three = newestItems(["one", "two", "three"].map(titled), "a");
    expect(three.map(({ title }) => title)).toEqual(["one", "two", "three"]);
    expect(new Set(three.map(({ key }) => key)).size).toBe(3);
    expect(news(["one", "two"].map(titled), ["three", "one", "two"].map(titled))).toBe(1);
    const said = (text: string) => ({ id: "feed", title: "Forecast", text });
    expect(new Set(newestItems([said("rain"), said("sun")], "a").map(({ key }) => key)).size).toBe(2);
  });

  test("an item with a widened key is the same with another title, and beside one with the same link", () => {
    const two = [post("urn:1", "a"), post("urn:1", "b")];
    expect(news(two, [post("urn:1", "a", { title: "edited" }), post("urn:1", "b")])).toBe(0);
    expect(news(two, [...two, post("urn:1", "a", { title: "other" })])).toBe(1);
  });

  test("a key that several items have is widened by their links", () => {
    const same = [post("urn:1", "a"), post("urn:1", "b"), post("urn:1", "c")];
    const items = newestItems(same, "a");
    expect(new Set(items.map((item) => item.key)).size).toBe(3);
    expect(items.map((item) => item.sharedKey)).toEqual(Array(3).fill(shortHash("urn:1")));
    expect(news(same, same)).toBe(0);
    expect(news(same, [post("urn:1", "d"), ...same])).toBe(1);
    expect(news([post("urn:1", "a")], same)).toBe(2);
    expect(newestItems([post("urn:1", "a"), post("urn:1", "a")], "a")[0]).not.toHaveProperty("sharedKey");
  });
});

test("without id and link the text is the identity", () => {
  expect(key({ title: "t", text: "x" })).toBe(key({ title: "t", text: "x" }));
  expect(key({ title: "t", text: "x" })).not.toBe(key({ title: "t", text: "y" }));
});

test("an entry with nothing in it is none, one without a title borrows its text", () => {
  expect(toItem({ id: "1" }, "a")).toBeNull();
  expect(toItem({ text: "Some text.\nMore." }, "a")).toMatchObject({ title: "Some text. More." });
  expect(toItem({ link: "https://example.org/" }, "a")).toMatchObject({ title: "(untitled)" });
});

test("keeps 200 items of a source, the newest, small enough for one step", () => {
  const raws = Array.from({ length: 250 }, (_, n) => ({
    id: String(n),
    title: "題".repeat(200),
    text: "語".repeat(8_000),
    publishedAt: n,
  }));
  const kept = newestItems(raws, "a");
  expect(kept).toHaveLength(200);
  expect(kept[0]!.publishedAt).toBe(249);
  expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThan(4 * 1024 * 1024);
});

test("keeps as many items as the source's own bound, small enough for one step", () => {
  const raws = Array.from({ length: 1_000 }, (_, n) => ({
    id: String(n),
    title: "題".repeat(200),
    text: "語".repeat(8_000),
  }));
  const kept = newestItems(raws, "a", { itemsMax: 999 });
  expect(kept).toHaveLength(999);
  expect(kept[0]!.text.length).toBeGreaterThan(400);
  expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThan(4 * 1024 * 1024);
});
