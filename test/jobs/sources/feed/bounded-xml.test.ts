import { parseFeed } from "feedsmith";
import { describe, expect, test } from "vitest";
import { boundedXml } from "../../../../src/jobs/sources/feed/bounded-xml.ts";

const bounded = (text: string, entriesMax: number) => boundedXml(text, { entriesMax });
const rss = (inside: string) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>${inside}</channel></rss>`;

test.each([
  ["entities", rss("<item><title>Tea &amp; cake &#233; &lt;b&gt;x&lt;/b&gt; &eacute; a & b</title></item>")],
  [
    "CDATA",
    rss("<item><description><![CDATA[<p class='a'>One &amp; &lt;two&gt;</p>]]></description></item>"),
  ],
  [
    "CDATA beside text",
    rss("<item><description>a &amp; <![CDATA[<b>b</b> &amp;]]> c &lt;i&gt;</description></item>"),
  ],
  ["tags in a text", rss("<item><description>one <b>two</b><br/> three</description></item>")],
  ["capitals", `<RSS version="2.0"><Channel><Item><Title>a</Title><GUID>1</GUID></Item></Channel></RSS>`],
  [
    "attributes",
    rss(
      `<item><guid isPermaLink='false'>a"b</guid><enclosure url="https://a.test/?a=1&amp;b=2" length='1' type="a/b"/></item>`,
    ),
  ],
  ["quotes in attributes", rss(`<item><enclosure url='a"b' length="1" type="it's"/></item>`)],
  [
    "namespaces",
    `<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:d="http://purl.org/dc/elements/1.1/"><channel><item><content:encoded><![CDATA[<p>x</p>]]></content:encoded><d:date>2026-11-03</d:date></item></channel></rss>`,
  ],
  [
    "Atom with XHTML",
    `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">a &lt;b&gt;</title><id>1</id><link href="/a" rel="alternate"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <b>you</b> &amp; me</p></div></content></entry></feed>`,
  ],
  [
    "RSS 1.0",
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="c"><title>c</title></channel><item rdf:about="i"><title>T</title></item></rdf:RDF>`,
  ],
])("changes nothing that the feed's parser reads: %s", (_name, text) => {
  expect(parseFeed(bounded(text, 10).document)).toEqual(parseFeed(text));
});

test("leaves out comments, instructions and declarations with their entities", () => {
  const text = `<!DOCTYPE rss [<!ENTITY a "ha">]>${rss("<!-- <item/> --><?b c?><item><title>&a;</title></item>")}`;
  expect(bounded(text, 10).document).toBe(
    '<rss version="2.0"><channel><title>t</title><item><title>&a;</title></item></channel></rss>',
  );
});

test("ends after so many entries, with all tags closed", () => {
  const entries = ["a", "b", "c"].map((title) => `<item><title>${title}</title></item>`);
  expect(bounded(rss(entries.join("")), 2).document).toBe(
    `<rss version="2.0"><channel><title>t</title>${entries.slice(0, 2).join("")}</channel></rss>`,
  );
});

test("leaves out the entries that are too many tags together, and counts them", () => {
  const entry = `<item><title>t</title>${"<category>a</category>".repeat(98)}</item>`;
  const items = parseFeed(bounded(rss(entry.repeat(1_000)), 1_000).document).feed;
  expect("items" in items && items.items?.length).toBe(399);
});

describe("of more entries than are read the newest stay, in their order", () => {
  const entry = (name: string, date: string) => `<item><title>${name}</title>${date}</item>`;
  const dated = (day: number, tag = "pubDate") => entry(`d${day}`, `<${tag}>2026-11-0${day}</${tag}>`);
  const titles = (text: string, entriesMax: number, latestMs?: number) =>
    [...boundedXml(text, { entriesMax, latestMs }).document.matchAll(/<title>(\w\d)/g)].map(
      (match) => match[1],
    );
  test.each([
    ["newest first", [dated(3), dated(2), dated(1)], ["d3", "d2"]],
    ["oldest first", [dated(1), dated(2), dated(3)], ["d2", "d3"]],
    [
      "mixed, by any element that has a date",
      [dated(2), dated(1, "updated"), dated(3, "dc:date")],
      ["d2", "d3"],
    ],
    ["undated", [entry("u1", ""), entry("u2", ""), entry("u3", "")], ["u1", "u2"]],
    ["undated beside a dated one", [dated(1), entry("u1", ""), dated(2), entry("u2", "")], ["d2", "u2"]],
  ])("%s", (_name, entries, expected) => {
    expect(titles(rss(entries.join("")), 2)).toEqual(expected);
    expect(bounded(rss(entries.join("")), 2)).toMatchObject({
      entries: entries.length,
      leftOut: entries.length - 2,
      isCut: false,
    });
  });

  test("what is dated in the future is not the newest", () => {
    expect(titles(rss(dated(9) + dated(3) + dated(2)), 3, Date.UTC(2026, 10, 4))).toEqual(["d9", "d3", "d2"]);
    expect(titles(rss(dated(3) + dated(2) + dated(9)), 2, Date.UTC(2026, 10, 4))).toEqual(["d3", "d2"]);
  });

  test("a date within the content of an entry is none of the entry", () => {
    const nested = entry("n1", "<description><p><date>2026-11-09</date></p></description>");
    expect(titles(rss(dated(2) + nested + dated(3)), 2)).toEqual(["d2", "d3"]);
  });
});

test("an entry that alone is too large is left out and counted, the others stay", () => {
  const large = `<item><title>large</title>${"<a/>".repeat(40_001)}</item>`;
  expect(bounded(rss(`<item><title>a</title></item>${large}<item><title>b</title></item>`), 9)).toEqual({
    document: rss("<item><title>a</title></item><item><title>b</title></item>").replace(/^<\?[^>]*>/, ""),
    entries: 3,
    leftOut: 1,
    isCut: false,
  });
});

test.each([
  ["entries", "<item/>".repeat(10_100)],
  ["tags", `<item>${"<a/>".repeat(30_000)}</item>`.repeat(20)],
  ["levels", `<item><title>a</title></item><item>${"<a>".repeat(91)}</item>`],
])("what stands behind too many %s is not looked at, and that is said", (_name, text) => {
  const { document, isCut, entries } = bounded(rss(text), 1);
  expect([isCut, entries > 0, document.endsWith("</channel></rss>")]).toEqual([true, true, true]);
  parseFeed(document);
});

describe("xml:base", () => {
  const links = (text: string, base?: string) => {
    const { document } = boundedXml(text, { entriesMax: 9, base });
    return [...document.matchAll(/(?:href="|src="|<link>(?:<!\[CDATA\[)?)([^"<\]]+)/g)].map(
      (match) => match[1],
    );
  };
  const feed = (own: string, inside: string) => `<feed ${own}><entry>${inside}</entry></feed>`;
  test.each([
    ["of the feed", "xml:base='https://a.test/b/'", "<link href='one'/>", "https://a.test/b/one"],
    [
      "of an entry",
      "xml:base='https://a.test/b/'",
      "<x xml:base='c/'><link href='one'/></x>",
      "https://a.test/b/c/one",
    ],
    ["of the link", "", "<link xml:base='https://a.test/b/' href='one'/>", "https://a.test/b/one"],
    ["that ended before", "", "<x xml:base='https://a.test/'/><link href='one'/>", "one"],
    ["from the document's address", "xml:base='/b/'", "<link href='one'/>", "https://doc.test/b/one"],
    [
      "with an absolute link",
      "xml:base='https://a.test/'",
      "<link href='https://c.test/x'/>",
      "https://c.test/x",
    ],
    [
      "in the text of a link",
      "xml:base='https://a.test/'",
      "<link> one?a=1&amp;b=2 </link>",
      "https://a.test/one?a=1&amp;b=2",
    ],
    [
      "in CDATA",
      "xml:base='https://a.test/'",
      "<link><![CDATA[one?a&copy=2]]></link>",
      "https://a.test/one?a&amp;copy=2",
    ],
    ["of content elsewhere", "xml:base='https://a.test/'", "<content src='one'/>", "https://a.test/one"],
    ["that is none", "xml:base='http://['", "<link href='one'/>", "one"],
  ])("%s", (_name, own, inside, expected) => {
    expect(links(feed(own, inside), "https://doc.test/feed")).toEqual([expected]);
  });

  test("without an address of the document a relative one does nothing", () => {
    expect(links(feed("xml:base='b/'", "<link href='one'/>"))).toEqual(["one"]);
  });
});

test("takes a name that is none for no tag", () => {
  expect(bounded(rss("<item><title>I <3 you</title></item>"), 10).document).not.toContain("<3");
});

test.each([
  ["tags nested too deep", rss("<a>".repeat(91) + "</a>".repeat(91)), /nest too deep/],
  ["too many tags in one place", rss("<a/>".repeat(40_001)), /more tags and attributes/],
  ["too many attributes in one place", rss(`<a ${"b='c' ".repeat(40_001)}/>`), /more tags and attributes/],
  ["a root that is not closed", "<rss><channel></channel>", /no closing rss tag/],
  ["a CDATA section that is not closed", rss("<![CDATA[").slice(0, -10), /cut off/],
])("refuses %s", (_name, text, message) => {
  expect(() => bounded(text, 10)).toThrow(
    expect.objectContaining({ code: "source_unreadable", message: expect.stringMatching(message) }),
  );
});
