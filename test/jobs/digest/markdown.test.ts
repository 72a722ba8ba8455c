import { expect, test } from "vitest";
import type { DigestDocument } from "../../../src/jobs/digest/document.ts";
import { composeHtml } from "../../../src/jobs/digest/html.ts";
import { composeMarkdown, escapeMarkdown, markdownDestination } from "../../../src/jobs/digest/markdown.ts";

const HOSTILE = [
  "](javascript:alert(1)) [x](https://evil.example)",
  "![x](https://evil.example/p.png)",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</p></article></main><h1>owned</h1>",
  "# heading",
  "- list",
  "1. list",
  "> quote",
  "```\ncode",
  "`code` *a* _b_ ~~c~~ | d | $x^2$",
  "<https://evil.example>",
  "https://evil.example www.evil.example mailto:a@evil.example a@evil.example",
  "[ref]: https://evil.example",
  "[^1]: note",
  "\\](https://evil.example)",
  "&lt;script&gt; &#x5b;x](https://evil.example)",
  "line\n\n## second\n***\n---",
  "C #",
  "_www.evil.example xmailto:a@evil.example",
];

function documentOf(text: string, link: string | null = "https://example.org/own"): DigestDocument {
  const summary = { text, model: text, degraded: true };
  return {
    label: "2026-11-21",
    timezone: "UTC",
    lead: summary,
    entries: [
      {
        item: { key: "k", title: text, link, text, publishedAt: 0, source: text },
        summary: { ...summary, degraded: false },
      },
    ],
    sources: 2,
    waiting: 0,
    failures: [{ source: text, error: text }],
    omissions: [],
  };
}

/** Markdown with everything that is escaped taken out: what is left is markup. */
const markup = (markdown: string) => markdown.replace(/\\[!-/:-@[-`{-~]/g, "");

test.each(HOSTILE)("in Markdown, %j makes nothing but text", (text) => {
  const markdown = markup(composeMarkdown(documentOf(text)));
  expect(markdown.match(/\]\(/g)).toHaveLength(1);
  expect(markdown).toContain("](https://example.org/own)");
  expect(markdown.match(/[[\]]/g)).toHaveLength(2);
  expect(markdown).not.toMatch(/[<`|~$]|&#?\w+;/);
  expect(markdown.match(/^#{1,6} /gm)).toHaveLength(3);
  expect(markdown.match(/^- /gm)).toHaveLength(1);
  expect(markdown).not.toMatch(/^(?:\d+[.)]|[+=:]|>.*\n>)/m);
  expect(markdown.match(/\*/g)).toHaveLength(6);
  expect(markdown.replace("https://example.org/own", "")).not.toMatch(/:\/\/|www\.|mailto:|\w@/i);
});

test.each(HOSTILE)("in HTML, %j makes nothing but text", (text) => {
  const shape = (html: string) => html.match(/<\/?[a-z][^>]*>/gi);
  expect(shape(composeHtml(documentOf(text)))).toEqual(shape(composeHtml(documentOf("plain"))));
});

test("a link cannot end its destination early, nor hide an entity", () => {
  expect(markdownDestination("https://example.org/a_(b)?x=`|\\&copy;")).toBe(
    "https://example.org/a_%28b%29?x=%60%7C%5C&amp;copy;",
  );
});

test("escaped text reads as it was", () => {
  expect(escapeMarkdown("Q&A: 50 % of a-b, C++ and v1.2")).toBe("Q&A: 50 % of a-b, C++ and v1.2");
});

test("without a link the title stands alone, and a page holds no address but the items' own", () => {
  expect(composeMarkdown(documentOf("plain", null))).toContain("\n## plain\n");
  expect(composeHtml(documentOf("plain", null))).not.toMatch(/href|src=|https?:/);
});

test("the page forbids everything but its own style, and says so to its reader's device", () => {
  const html = composeHtml(documentOf("plain"));
  expect(html).toMatch(
    /content="default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'"/,
  );
  expect(html).toContain("prefers-color-scheme:dark");
  expect(html).toContain("width=device-width");
  expect(html).not.toMatch(/style=|<script|@import|url\(/);
});

test("says who wrote a summary and whether that was second choice", () => {
  const document = documentOf("plain");
  expect(composeMarkdown(document)).toContain("*(degraded: lead by plain)*");
  expect(composeMarkdown(document)).toContain("*(summary by plain)*");
  document.entries[0]!.summary.degraded = true;
  const once = composeMarkdown(document);
  expect(once.match(/ by plain/g)).toHaveLength(1);
  expect(once).toContain("*(degraded: all summaries by plain)*");
  expect(composeHtml(document)).toContain("(degraded: all summaries by plain)");
});

test("marks a summary that was cut off at its text, whoever wrote the others", () => {
  const document = documentOf("plain");
  document.entries[0]!.summary.truncated = true;
  expect(composeMarkdown(document)).toContain("*(summary by plain; cut off at the token limit)*");
  document.entries[0]!.summary.degraded = true;
  expect(composeMarkdown(document)).toContain("*(cut off at the token limit)*");
  expect(composeMarkdown(document)).toContain("*(degraded: all summaries by plain)*");
  expect(composeHtml(document).match(/cut off at the token limit/g)).toHaveLength(1);
});

test("dates are those of the agent's time zone", () => {
  const document = documentOf("plain");
  document.entries[0]!.item.publishedAt = Date.UTC(2026, 10, 3, 23, 30);
  for (const [timezone, date] of [
    ["UTC", "2026-11-03"],
    ["Europe/Berlin", "2026-11-04"],
  ] as const) {
    expect(composeMarkdown({ ...document, timezone })).toContain(`, ${date}*`);
    expect(composeHtml({ ...document, timezone })).toContain(`>${date}</time>`);
  }
});

test("a link that holds quotes stays inside its attribute", () => {
  const html = composeHtml(documentOf("plain", `https://example.org/?q="'><script>alert(1)</script>`));
  expect(html).toContain('href="https://example.org/?q=&quot;&#39;&gt;&lt;script&gt;');
});
