import { describe, expect, test } from "vitest";
import { renderDigest } from "../../src/dashboard/markdown.ts";
import type { DigestDocument } from "../../src/jobs/digest/document/document.ts";
import { composeMarkdown } from "../../src/jobs/digest/document/markdown.ts";
import { textOf } from "./site.ts";

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "[click](javascript:alert(1))",
  "](https://evil.example.org) [x",
  "**bold** _and_ `code` \\ backslash",
  "&lt;b&gt; &amp;",
  "# heading",
  "- item",
  "1. one",
  "a $x$ ~~b~~ | c",
];

function digest(title: string, link: string | null = "https://example.org/a_(b)?q=1&lt=2"): DigestDocument {
  const summary = { text: title, model: "m*o_d", degraded: true };
  const item = { key: "k", title, link, text: "", publishedAt: 0, source: title };
  return {
    label: "2026-11-21",
    timezone: "UTC",
    lead: summary,
    sections: [{ heading: null, isSource: false, entries: [{ id: "k7f3qd", item, summary, reasons: [] }] }],
    sources: 1,
    waiting: 0,
    failures: [{ source: title, error: title }],
    omissions: [],
  };
}

test.each(HOSTILE)("text from outside is shown as what it is: %s", (title) => {
  const page = renderDigest(composeMarkdown(digest(title))).markup;
  // The title, its source, its summary, the lead, and the failure's two.
  expect(textOf(page).split(title).length - 1).toBe(6);
  expect(page.match(/<(?!\/?(?:h3|hr|p|bdi|ul|li|blockquote|a)\b)/g)).toBeNull();
  expect(page.match(/href="([^"]*)"/g)).toEqual(['href="https://example.org/a_%28b%29?q=1&amp;lt=2"']);
});

describe("an address that is none of the web", () => {
  test.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example.org",
    "vbscript:x",
    "file:///etc/passwd",
  ])("%s is not a link", (address) => {
    expect(renderDigest(`## [x](${address})`).markup).not.toContain("<a ");
  });
});

test("headings of two levels, a rule, and an address that is no link", () => {
  const page = renderDigest("# a\n\n## b\n\n### `https://example.org/x` is *b*\n\n---").markup;
  expect(page).toBe("<h3><bdi>b</bdi></h3>\n<h4><bdi>https://example.org/x is *b*</bdi></h4>\n<hr>\n");
});

test("links tell nobody where they were clicked", () => {
  expect(renderDigest("[x](https://example.org/)").markup).toContain('rel="noopener noreferrer nofollow"');
});

test("a text of many brackets is read in a moment", () => {
  const started = process.cpuUsage().user;
  renderDigest(`${"[".repeat(30_000)}${"](".repeat(15_000)}`);
  renderDigest(`*${"\\*".repeat(30_000)}`);
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(5_000);
});
