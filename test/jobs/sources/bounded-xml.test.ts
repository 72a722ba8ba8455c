import { parseFeed } from "feedsmith";
import { expect, test } from "vitest";
import { boundedXml } from "../../../src/jobs/sources/bounded-xml.ts";

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
  expect(parseFeed(boundedXml(text, 10))).toEqual(parseFeed(text));
});

test("leaves out comments, instructions and declarations with their entities", () => {
  const text = `<!DOCTYPE rss [<!ENTITY a "ha">]>${rss("<!-- <item/> --><?b c?><item><title>&a;</title></item>")}`;
  expect(boundedXml(text, 10)).toBe(
    '<rss version="2.0"><channel><title>t</title><item><title>&a;</title></item></channel></rss>',
  );
});

test("ends after so many entries, with all tags closed", () => {
  const entries = ["a", "b", "c"].map((title) => `<item><title>${title}</title></item>`);
  expect(boundedXml(rss(entries.join("")), 2)).toBe(
    `<rss version="2.0"><channel><title>t</title>${entries.slice(0, 2).join("")}</channel></rss>`,
  );
});

test("begins no further entry after too many tags, and keeps those before", () => {
  const entry = `<item><title>t</title>${"<category>a</category>".repeat(98)}</item>`;
  const items = parseFeed(boundedXml(rss(entry.repeat(1_000)), 1_000)).feed;
  expect("items" in items && items.items?.length).toBe(360);
});

test("takes a name that is none for no tag", () => {
  expect(boundedXml(rss("<item><title>I <3 you</title></item>"), 10)).not.toContain("<3");
});

test.each([
  ["tags nested too deep", rss("<a>".repeat(91) + "</a>".repeat(91)), /nest too deep/],
  ["too many tags in one place", rss("<a/>".repeat(40_001)), /more tags and attributes/],
  ["too many attributes in one place", rss(`<a ${"b='c' ".repeat(40_001)}/>`), /more tags and attributes/],
  ["a root that is not closed", "<rss><channel></channel>", /no closing rss tag/],
  ["a CDATA section that is not closed", rss("<![CDATA[").slice(0, -10), /cut off/],
])("refuses %s", (_name, text, message) => {
  expect(() => boundedXml(text, 10)).toThrow(
    expect.objectContaining({ code: "source_unreadable", message: expect.stringMatching(message) }),
  );
});
