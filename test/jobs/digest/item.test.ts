import { expect, test } from "vitest";
import { newestItems, safeLink, toItem } from "../../../src/jobs/digest/item.ts";

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
