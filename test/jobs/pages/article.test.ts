import { expect, test } from "vitest";
import { articleText } from "../../../src/jobs/pages/article.ts";
import { boundedHtml } from "../../../src/jobs/pages/bounded-html.ts";

const SENTENCE =
  "The northern line is open again after fourteen months of work, and trains run every twenty minutes. ";
const page = (body: string) =>
  `<!doctype html><html><head><title>T</title><script>var x = "<p>no</p>";</script></head><body>${body}</body></html>`;

test("takes the article, and leaves menus, comments, forms and scripts", () => {
  const html = page(`<nav><a href="/">Home</a><a href="/about">About us</a></nav>
    <div class="sidebar"><ul><li><a href="/1">Most read</a></li></ul></div>
    <article><h1>Line reopens</h1><p>${SENTENCE.repeat(2)}</p><script>alert(1)</script><p>${SENTENCE}&amp; so on.</p></article>
    <form><input value="subscribe"><button>Subscribe</button></form><div id="comments" class="comment">First!</div>`);
  const text = articleText(html)!;
  expect(text.match(/The northern line/g)).toHaveLength(3);
  expect(text).toContain("& so on.");
  expect(text).not.toMatch(/About us|Most read|alert|Subscribe|First!|var x/);
});

test("a page of blanks is as little work as one blank", () => {
  expect(boundedHtml(`<p>a${" \u00a0\n&nbsp;".repeat(20_000)}</p> <p>b</p>`)).toBe("<p>a </p><p>b</p>");
});

test.each([
  ["nothing", ""],
  [
    "a page of links",
    page("<ul>".concat('<li><a href="/x">A headline of some words</a></li>'.repeat(50), "</ul>")),
  ],
  ["a notice", page("<p>Please enable JavaScript.</p>")],
  ["no HTML", "%PDF-1.4 \u0000\u0001"],
])("%s has no article", (_, html) => {
  expect(articleText(html)).toBeNull();
});

const MIB = 1024 * 1024;
const paragraph = `<p>${SENTENCE}</p>`;

test.each([
  [
    "four megabytes of paragraphs",
    page(`<article>${paragraph.repeat((4 * MIB) / paragraph.length)}</article>`),
  ],
  ["elements nested without end", page("<div>".repeat(100_000) + paragraph.repeat(10))],
  [
    "nested and closed, again and again",
    page(("<div>".repeat(50) + paragraph + "</div>".repeat(50)).repeat(1_000)),
  ],
  ["nothing but line breaks", page("a<br>".repeat(MIB))],
  ["paragraphs that nobody closes", "<p>".repeat(MIB)],
  ["tags that nobody opened", "</b>".repeat(MIB)],
  ["nothing but angle brackets", "<".repeat(4 * MIB)],
  ["nothing but ampersands", "&".repeat(4 * MIB)],
  ["a million attributes", `<div ${"a=b ".repeat(MIB)}>x</div>`],
  ["tables in tables", page(`${"<table><tr><td>a, b".repeat(500)}${"</table>".repeat(500)}`)],
])("%s take a bounded time", (_, html) => {
  const started = process.cpuUsage().user;
  articleText(html);
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(8_000);
});
