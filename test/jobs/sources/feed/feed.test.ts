import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collectFeed, readFeed } from "../../../../src/jobs/sources/feed/feed.ts";
import { localSite } from "../../../support/job-context.ts";
import { tempDir } from "../../../support/temp.ts";

const items = (text: string) => readFeed(Buffer.from(text), "label").items;
const rss = (inside: string) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>${inside}</channel></rss>`;
const whole = rss(
  "<item><title>a</title><link>https://example.org/a</link></item><item><title>b</title></item>",
);
const signal = new AbortController().signal;
const period = { slotMs: 0, label: "" };

test("reads RSS 2.0", () => {
  const [item] = items(
    `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item>
     <title>Tea &amp;amp; &lt;b&gt;cake&lt;/b&gt;</title><link>https://example.org/a</link><guid isPermaLink="false">g1</guid>
     <description>short</description><content:encoded><![CDATA[<p>One</p><p>Two &eacute;</p>]]></content:encoded>
     <pubDate>Tue, 03 Nov 2026 08:00:00 +0100</pubDate></item></channel></rss>`,
  );
  expect(item).toEqual({
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
    title: "Tea & cake",
    link: "https://example.org/a",
    text: "One\n\nTwo é",
    publishedAt: Date.UTC(2026, 10, 3, 7),
    source: "label",
    aliases: expect.any(Array),
  });
});

test.each([
  [
    "RSS 0.91",
    `<rss version="0.91"><channel><title>c</title><item><title>T</title><link>https://example.org/a</link></item></channel></rss>`,
  ],
  [
    "RSS 0.90",
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>c</title></channel><item><title>T</title><link>https://example.org/a</link></item></rdf:RDF>`,
  ],
  [
    "RSS 1.0",
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="c"><title>c</title></channel><item rdf:about="https://example.org/a"><title>T</title><link>https://example.org/a</link></item></rdf:RDF>`,
  ],
  [
    "Atom",
    `<feed xmlns="http://www.w3.org/2005/Atom"><title>c</title><entry><title>T</title><id>urn:1</id><link rel="self" href="https://example.org/self"/><link rel="alternate" href="https://example.org/a"/></entry></feed>`,
  ],
  [
    "Atom with a prefix",
    `<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>T</a:title><a:id>urn:1</a:id><a:link href="https://example.org/a"/></a:entry></a:feed>`,
  ],
  [
    "JSON Feed",
    `{"version":"https://jsonfeed.org/version/1","title":"c","items":[{"id":"1","title":"T","url":"https://example.org/a"}]}`,
  ],
  [
    "a byte order mark",
    `\uFEFF<rss version="2.0"><channel><title>c</title><item><title>T</title><link>https://example.org/a</link></item></channel></rss>`,
  ],
])("reads %s", (_, text) => {
  expect(items(text)).toMatchObject([{ title: "T", link: "https://example.org/a" }]);
});

test("reads the dates and texts of RSS 1.0, Atom and JSON Feed", () => {
  const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>c</title></channel><item><title>T</title><description>D</description><dc:date>2026-11-03T08:00:00Z</dc:date></item></rdf:RDF>`;
  const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>a &lt; b</title><id>1</id><updated>2026-11-03T08:00:00Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <b>you</b></p></div></content></entry></feed>`;
  const json = `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","title":"T","content_html":"<p>x</p>","date_published":"2026-11-03T08:00:00Z"}]}`;
  const publishedAt = Date.UTC(2026, 10, 3, 8);
  expect(items(rdf)).toMatchObject([{ text: "D", publishedAt }]);
  expect(items(atom)).toMatchObject([{ title: "a < b", text: "Hi you", publishedAt }]);
  expect(items(json)).toMatchObject([{ text: "x", publishedAt }]);
});

test("honours the declared encoding", () => {
  const latin1 = Buffer.from(
    `<?xml version="1.0" encoding="ISO-8859-1"?><rss version="2.0"><channel><item><title>Gr\xFC\xDFe</title></item></channel></rss>`,
    "latin1",
  );
  expect(readFeed(latin1, "l").items).toMatchObject([{ title: "Grüße" }]);
  const utf16 = Buffer.from(`\uFEFF${rss("<item><title>Grüße</title></item>")}`, "utf16le");
  expect(readFeed(utf16, "l").items).toMatchObject([{ title: "Grüße" }]);
  expect(items(whole.replace("?>", ' encoding="x-none"?>'))).toMatchObject([{ title: "a" }, { title: "b" }]);
});

test("gives the feed's own title", () => {
  expect(readFeed(Buffer.from(whole.replace(">t<", "> A &amp;amp; <")), "l").title).toBe("A &");
  const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">&lt;b&gt;A&lt;/b&gt;</title></feed>`;
  expect(readFeed(Buffer.from(atom), "l").title).toBe("A");
  expect(readFeed(Buffer.from(whole.replace(">t<", "> <")), "l")).not.toHaveProperty("title");
});

test("of more entries than are read the newest are, and the rest is counted in a note", () => {
  const entry = (n: number) =>
    `<item><title>n${n}</title><pubDate>${new Date(n * 86_400_000).toUTCString()}</pubDate></item>`;
  const oldestFirst = Buffer.from(rss(Array.from({ length: 1_200 }, (_, n) => entry(n + 1)).join("")));
  const read = readFeed(oldestFirst, "l");
  expect(read.items.map(({ title }) => title)).toEqual(
    Array.from({ length: 200 }, (_, n) => `n${1_200 - n}`),
  );
  expect(read.notes).toEqual(["only the newest 200 of its 1200 entries were read; max_items raises that"]);
  const all = readFeed(oldestFirst, "l", { itemsMax: 2_000 });
  expect([all.items.length, all.notes]).toEqual([1_200, []]);
  const json = {
    version: "https://jsonfeed.org/version/1.1",
    items: [1, 2, 3].map((n) => ({ id: `${n}`, title: `n${n}`, date_published: `2026-11-0${n}` })),
  };
  const newest = readFeed(Buffer.from(JSON.stringify(json)), "l", { itemsMax: 2 });
  expect(newest.items.map(({ title }) => title)).toEqual(["n3", "n2"]);
  expect(newest.notes).toEqual(["only the newest 2 of its 3 entries were read; max_items raises that"]);
});

test("a date two days ahead and more is none, so that its item is not the newest for ever", () => {
  const text = rss(
    "<item><title>a</title><pubDate>2026-11-03</pubDate></item><item><title>b</title><pubDate>2036-01-01</pubDate></item>",
  );
  const { items: read } = readFeed(Buffer.from(text), "l", { nowMs: Date.UTC(2026, 10, 4) });
  expect(read).toMatchObject([{ title: "a" }, { title: "b", publishedAt: null }]);
});

describe("the first field that is not empty counts", () => {
  const namespaces =
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"';
  const item = (inside: string) =>
    items(rss(`<item>${inside}</item>`).replace('version="2.0"', `version="2.0" ${namespaces}`))[0];
  test.each([
    ["itunes:summary", "<itunes:summary>x</itunes:summary>"],
    ["media:description", "<media:description>x</media:description>"],
    ["media:group", "<media:group><media:description>x</media:description></media:group>"],
    ["media:text", "<media:text>x</media:text>"],
    ["dcterms:abstract", '<d:abstract xmlns:d="http://purl.org/dc/terms/">x</d:abstract>'],
    [
      "googleplay:description",
      '<g:description xmlns:g="http://www.google.com/schemas/play-podcasts/1.0">x</g:description>',
    ],
    ["dc:description", "<dc:description>x</dc:description>"],
    ["an empty content:encoded", "<content:encoded></content:encoded><description>x</description>"],
    [
      "a content:encoded of markup alone",
      "<content:encoded>&lt;p&gt;&lt;/p&gt;</content:encoded><description>x</description>",
    ],
    ["a blank description", "<description> </description><itunes:summary>x</itunes:summary>"],
    ["itunes:subtitle, last", "<itunes:subtitle>y</itunes:subtitle><itunes:summary>x</itunes:summary>"],
  ])("of texts: %s", (_name, inside) => {
    expect(item(`<title>t</title>${inside}`)).toMatchObject({ text: "x" });
  });
  test.each([
    ["dc:title", "<dc:title>x</dc:title>"],
    ["media:title", "<title></title><media:title>x</media:title>"],
    ["itunes:title", "<itunes:title>x</itunes:title>"],
  ])("of titles: %s", (_name, inside) => {
    expect(item(inside)).toMatchObject({ title: "x" });
  });
  test.each([
    ["atom:link", '<atom:link href="https://example.org/x"/>'],
    [
      "atom:link that is not itself",
      '<atom:link rel="self" href="https://example.org/s"/><atom:link href="https://example.org/x"/>',
    ],
    ["a guid that is an address", "<guid>https://example.org/x</guid>"],
    ["the file", '<guid>1</guid><enclosure url="https://example.org/x" length="1" type="audio/mpeg"/>'],
  ])("of links: %s", (_name, inside) => {
    expect(item(`<title>t</title>${inside}`)).toMatchObject({ link: "https://example.org/x" });
  });
  test("an item without id and link is known under the key that it had by its description alone", () => {
    const bare = item("<title>t</title>")!;
    const found = item(
      '<title>t</title><itunes:summary>x</itunes:summary><enclosure url="https://example.org/x" length="1" type="a/b"/>',
    )!;
    expect(found.key).not.toBe(bare.key);
    expect(found.aliases).toContain(bare.key);
  });
  test("of dates, the first that can be read", () => {
    expect(item("<title>t</title><pubDate>soon</pubDate><dc:date>2026-11-03</dc:date>")).toMatchObject({
      publishedAt: Date.UTC(2026, 10, 3),
    });
  });
});

describe("links of Atom", () => {
  const entry = (inside: string) =>
    items(
      `<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://example.org/"/><entry><id>urn:1</id><title>t</title>${inside}</entry></feed>`,
    )[0]!.link;
  const link = (more: string, href: string) => `<link ${more} href="https://example.org/${href}"/>`;
  test.each([
    [
      "HTML before JSON",
      link("type='application/json'", "j") + link("rel='alternate' type='text/html'", "x"),
    ],
    ["no type before JSON", link("type='application/json'", "j") + link("", "x")],
    ["JSON where there is nothing else", link("type='application/json'", "x")],
    ["the entry itself, where there is nothing else", link("rel='enclosure'", "e") + link("rel='self'", "x")],
    ["the address of the relation", link("rel='http://www.iana.org/assignments/relation/alternate'", "x")],
    [
      "neither itself nor a file",
      link("rel='self'", "s") + link("rel='enclosure'", "e") + link("rel='alternate'", "x"),
    ],
    ["content that stands elsewhere", "<content type='text/html' src='https://example.org/x'/>"],
  ])("%s", (_name, inside) => {
    expect(entry(inside)).toBe("https://example.org/x");
  });
  test("by xml:base of the feed and of the entry, from a file too", () => {
    const text = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.org/blog/"><entry xml:base="posts/"><title>a</title><link href="one"/></entry><entry><title>b</title><link href="two"/></entry></feed>`;
    expect(items(text).map((each) => each.link)).toEqual([
      "https://example.org/blog/posts/one",
      "https://example.org/blog/two",
    ]);
  });
  test("from a file without any, from the site's address", () => {
    const text = rss("<link>https://example.org/blog/</link><item><title>a</title><link>one</link></item>");
    expect(items(text)).toMatchObject([{ link: "https://example.org/blog/one" }]);
  });
});

test.each(Array.from({ length: whole.length - 1 }, (_, n) => n))(
  "refuses a feed that is cut off after %i characters",
  (length) => {
    expect(() => items(whole.slice(0, length))).toThrow(
      expect.objectContaining({ code: "source_unreadable" }),
    );
  },
);

test("reads a feed of which the last bracket alone is missing", () => {
  expect(items(whole.slice(0, -1))).toEqual(items(whole));
});

test.each([
  ["JSON that is cut off", `{"version":"https://jsonfeed.org/version/1.1","items":[`],
  ["JSON that is no feed", `{"a":1}`],
  ["a web page", "<!doctype html><html><body>hi</body></html>"],
  ["nothing", ""],
  ["tags that nest without end", `<rss version="2.0"><channel>${"<a>".repeat(100_000)}`],
  ["more than 4 MiB", rss(" ".repeat(4 * 1024 * 1024))],
])("refuses %s", (_, text) => {
  expect(() => items(text)).toThrow(expect.objectContaining({ code: "source_unreadable" }));
});

test("expands no entities of the document, and reads none of other files", () => {
  const bomb = (entities: string) =>
    `<?xml version="1.0"?><!DOCTYPE rss [${entities}]><rss version="2.0"><channel><item><title>x &b;</title><description>&b;</description></item></channel></rss>`;
  const laughs = bomb(`<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">`);
  expect(items(laughs)).toMatchObject([{ title: "x &b;", text: "&b;" }]);
  const outside = bomb(`<!ENTITY b SYSTEM "file:///etc/passwd">`);
  expect(items(outside)).toMatchObject([{ title: "x &b;", text: "&b;" }]);
});

test("hostile items come out as plain text with no link", () => {
  const [item] = items(
    rss(
      "<item><title>&lt;script&gt;alert(1)&lt;/script&gt;News</title><link>javascript:alert(1)</link><description><![CDATA[<img src=x onerror=alert(1)>ok]]></description></item>",
    ),
  );
  expect(item).toMatchObject({ title: "News", link: null, text: "ok" });
});

test("a huge item is bounded, and so is their number, the newest first", () => {
  const many = Array.from(
    { length: 300 },
    (_, n) => `<item><title>n${n}</title><pubDate>${new Date(n * 86_400_000).toUTCString()}</pubDate></item>`,
  );
  const found = items(rss(many.join("")));
  expect(found).toHaveLength(200);
  expect(found[0]!.title).toBe("n299");
  expect(
    items(
      rss(`<item><title>${"t".repeat(9000)}</title><description>${"d ".repeat(90_000)}</description></item>`),
    ),
  ).toEqual([
    expect.objectContaining({ title: `${"t".repeat(199)}…`, text: expect.stringMatching(/^.{7000,8000}$/) }),
  ]);
});

test("fetches a remote feed, and reads its relative links from its address", async () => {
  const { egress, requests } = await localSite({
    "/blog/feed.xml": { body: rss("<item><title>a</title><link>post/1</link></item>") },
  });
  const context = { egress, base: "/nowhere", signal, period, isSeen: async () => new Set<string>() };
  const collected = await collectFeed({ feed: "https://example.org/blog/feed.xml" }, context);
  expect(collected.items).toMatchObject([
    { link: "https://example.org/blog/post/1", source: "example.org/blog/feed.xml" },
  ]);
  expect(requests[0]!.headers.accept).toContain("application/rss+xml");
  await expect(collectFeed({ feed: "https://example.org/gone" }, context)).rejects.toThrow(/answered 404/);
});

test("reads what a server says of the encoding", async () => {
  const body = Buffer.from(rss("<item><title>\xcc\xe8\xf0</title></item>"), "latin1");
  const { egress } = await localSite({ "/feed.xml": { body, charset: "windows-1251" } });
  const collected = await collectFeed(
    { feed: "https://example.org/feed.xml" },
    { egress, base: "/nowhere", signal, period, isSeen: async () => new Set<string>() },
  );
  expect(collected.items).toMatchObject([{ title: "Мир" }]);
});

test("says what is not read until the oldest of what is has been in a digest", async () => {
  const base = tempDir();
  const entry = (n: number) => `<item><title>n${n}</title><guid>urn:${n}</guid></item>`;
  writeFileSync(join(base, "feed.xml"), rss(Array.from({ length: 3 }, (_, n) => entry(n)).join("")));
  const collect = (isSeen: (keys: string[]) => Promise<Set<string>>) =>
    collectFeed(
      { feed: "feed.xml", max_items: 2 },
      { egress: { fetch: () => Promise.reject(new Error()) }, base, signal, period, isSeen },
    );
  const first = await collect(async () => new Set());
  expect(first.notes).toEqual(["only the newest 2 of its 3 entries were read; max_items raises that"]);
  const [newest, oldest] = first.items.map(({ key }) => key);
  const knows = (key: string) => async (keys: string[]) => new Set(keys.filter((each) => each === key));
  expect((await collect(knows(newest!))).notes).toHaveLength(1);
  expect((await collect(knows(oldest!))).notes).toEqual([]);
});

test("reads a local feed from the base, and refuses a missing, a huge and a strange one", async () => {
  const base = tempDir();
  writeFileSync(join(base, "feed.xml"), rss("<item><title>a</title></item>"));
  writeFileSync(join(base, "huge.xml"), "");
  truncateSync(join(base, "huge.xml"), 5 * 1024 * 1024);
  const isSeen = async () => new Set<string>();
  const collect = (feed: string) =>
    collectFeed(
      { feed },
      { egress: { fetch: () => Promise.reject(new Error()) }, base, signal, period, isSeen },
    );
  expect((await collect("feed.xml")).items).toMatchObject([{ title: "a", source: "feed.xml" }]);
  expect((await collect(join(base, "feed.xml"))).items).toHaveLength(1);
  await expect(collect("missing.xml")).rejects.toThrow(/missing.xml: there is no such file/);
  await expect(collect("huge.xml")).rejects.toThrow(/larger than/);
  await expect(collect(".")).rejects.toThrow(/not a file/);
});

test("whatever it is made of, a feed gives items whose addresses and texts are safe, or is unreadable", () => {
  const pieces = fc.constantFrom(
    "<item>",
    "</item>",
    "<entry xml:base='a/'>",
    "</entry>",
    "<title>",
    "</title>",
    "<link>",
    "</link>",
    "<link href='x'/>",
    "<guid>1</guid>",
    "<pubDate>",
    "</pubDate>",
    "<![CDATA[",
    "]]>",
    "&lt;b&gt;",
    "&#x0;",
    "a",
    " ",
    "2026-11-03",
    "\u0085",
    "<!--",
    "-->",
    "<?x?>",
    "javascript:alert(1)",
    "https://a.test/?utm_source=1",
    "<",
  );
  const documents = fc.array(pieces, { maxLength: 60 }).map((all) => rss(all.join("")));
  let read = 0;
  fc.assert(
    fc.property(
      fc.oneof(documents, fc.string()),
      fc.option(fc.webUrl(), { nil: undefined }),
      (text, base) => {
        try {
          const found = readFeed(Buffer.from(text), "l", { base: base ?? "https://feed.test/", itemsMax: 3 });
          read++;
          expect(found.items.length).toBeLessThanOrEqual(3);
          for (const item of found.items) {
            expect(item.link ?? "https:").toMatch(/^https?:/);
            expect(`${item.title}${item.text}`.isWellFormed()).toBe(true);
            expect(new Set([item.key, ...(item.aliases ?? [])]).size).toBeLessThanOrEqual(6);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "source_unreadable" });
        }
      },
    ),
    { numRuns: 1_000 },
  );
  expect(read).toBeGreaterThan(20);
});
