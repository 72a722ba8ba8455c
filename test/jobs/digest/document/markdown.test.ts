import MarkdownIt from "markdown-it";
import { expect, test } from "vitest";
import { type DigestDocument, titleOf } from "../../../../src/jobs/digest/document/document.ts";
import { composeHtml } from "../../../../src/jobs/digest/document/html.ts";
import {
  composeMarkdown,
  escapeMarkdown,
  markdownDestination,
} from "../../../../src/jobs/digest/document/markdown.ts";

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
    sections: [
      {
        heading: null,
        isSource: false,
        entries: [
          {
            id: "k7f3qd",
            item: { key: "k", title: text, link, text, publishedAt: 0, source: text },
            summary: { ...summary, degraded: false },
            reasons: [],
          },
        ],
      },
    ],
    sources: 2,
    waiting: 0,
    failures: [{ source: text, error: text }],
    omissions: [],
  };
}

/** Markdown with everything that is escaped, and the addresses in code spans, taken out: what is left is markup. */
const markup = (markdown: string) => markdown.replace(/\\[!-/:-@[-`{-~]|`[^`\n]*`/g, "");

/** As GFM does it: addresses become links, wherever the text of a block holds one. */
const renderer = new MarkdownIt({ html: true, linkify: true });
renderer.linkify.set({ fuzzyLink: true, fuzzyEmail: true });
const rendered = (markdown: string) => renderer.render(markdown);
/** What a reader sees, and copies. */
const shown = (html: string) =>
  html
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
const tags = (html: string) =>
  (html.match(/<\/?[a-z][^>]*>/gi) ?? []).filter((tag) => !/^<\/?code>$/.test(tag));

test.each(HOSTILE)("in Markdown, %j makes nothing but text", (text) => {
  const markdown = markup(composeMarkdown(documentOf(text)));
  expect(markdown.match(/\]\(/g)).toHaveLength(1);
  expect(markdown).toContain("](https://example.org/own)");
  expect(markdown.match(/[[\]]/g)).toHaveLength(2);
  expect(markdown).not.toMatch(/[<`|~$]|&#?\w+;/);
  expect(markdown.match(/^#{1,6} /gm)).toHaveLength(3);
  expect(markdown.match(/^- /gm)).toHaveLength(1);
  expect(markdown).not.toMatch(/^(?:\d+[.)]|[+=:]|>.*\n>)/m);
  expect(markdown.match(/\*/g)).toHaveLength(8);
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

test.each(HOSTILE)("rendered as GFM, %j shows as what it is and makes no link of its own", (text) => {
  const html = rendered(composeMarkdown(documentOf(text)));
  expect(tags(html)).toEqual(tags(rendered(composeMarkdown(documentOf("plain")))));
  const line = text.replace(/\s+/g, " ");
  expect(shown(rendered(escapeMarkdown(text))).trim()).toBe(line);
  expect(shown(html).split(line).length - 1).toBeGreaterThanOrEqual(6);
});

test.each([
  ["see https://example.org/a_(b)?c=1&d=*2*_x_#e.", "https://example.org/a_(b)?c=1&d=*2*_x_#e"],
  ["(https://example.org/path)", "https://example.org/path"],
  ["www.example.org/x, and more", "www.example.org/x"],
  ["write to first.last+tag@example.org!", "first.last+tag@example.org"],
  ["mailto:a@example.org", "mailto:a@example.org"],
  ["本文はhttps://example.org/記事、次", "https://example.org/記事"],
  ["https://example.org/a`https://example.org/b", "https://example.org/a"],
])("the address in %j copies as it is, from the file and from what is rendered", (text, address) => {
  const markdown = escapeMarkdown(text);
  expect(markdown).toContain(`\`${address}\``);
  expect(rendered(markdown)).toContain(`<code>${renderer.utils.escapeHtml(address)}</code>`);
  expect(shown(rendered(markdown)).trim()).toBe(text);
  expect(markdown).not.toMatch(/\p{Cf}/u);
});

test("a thousand addresses that end in brackets are escaped in a moment", () => {
  const started = process.cpuUsage().user;
  escapeMarkdown(`https://example.org/${")".repeat(4_000)}`);
  escapeMarkdown("a@".repeat(2_000));
  escapeMarkdown("a".repeat(4_000));
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(5_000);
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
  expect(composeMarkdown(document)).toContain("*(lead by plain, since no model before it answered)*");
  expect(composeMarkdown(document)).toContain("*(summary by plain)*");
  document.sections[0]!.entries[0]!.summary!.degraded = true;
  const once = composeMarkdown(document);
  expect(once.match(/ by plain/g)).toHaveLength(1);
  expect(once).toContain("*(all summaries by plain, since no model before it answered)*");
  expect(composeHtml(document)).toContain("(all summaries by plain, since no model before it answered)");
});

test("marks a summary that was cut off at its text, whoever wrote the others", () => {
  const document = documentOf("plain");
  document.sections[0]!.entries[0]!.summary!.truncated = true;
  expect(composeMarkdown(document)).toContain("*(summary by plain; cut off at the token limit)*");
  document.sections[0]!.entries[0]!.summary!.degraded = true;
  expect(composeMarkdown(document)).toContain("*(cut off at the token limit)*");
  expect(composeMarkdown(document)).toContain(
    "*(all summaries by plain, since no model before it answered)*",
  );
  expect(composeHtml(document).match(/cut off at the token limit/g)).toHaveLength(1);
});

test("a summary that code refused is marked as not the model's, and the model is named for the others alone", () => {
  const document = documentOf("plain");
  document.lead = null;
  const { entries } = document.sections[0]!;
  entries.push({
    ...entries[0]!,
    summary: { ...entries[0]!.summary!, refused: "it named 1984, which the text does not" },
  });
  expect(composeMarkdown(document)).toContain("*(not by the model: it named 1984, which the text does not)*");
  expect(composeMarkdown(document).match(/ by plain/g)).toHaveLength(1);
});

test("what is grouped stands under its heading, which the bylines do not repeat", () => {
  const document = documentOf("plain");
  const [section] = document.sections;
  document.sections = [{ ...section!, heading: "Harbour *Works*", isSource: true }];
  const markdown = composeMarkdown(document);
  expect(markdown).toContain(
    "\n## Harbour \\*Works\\*\n\n### [plain](https://example.org/own)\n\n*1970-01-01 · k7f3qd*\n",
  );
  expect(composeHtml(document)).toContain('<h2 class="group" dir="auto">Harbour *Works*</h2>');
});

test("an entry without a summary is its title, and says why it stands there", () => {
  const document = documentOf("plain");
  const [entry] = document.sections[0]!.entries;
  document.sections[0]!.entries = [
    { ...entry!, summary: null, reasons: ["matches postgres", "you rated plain up"] },
  ];
  expect(composeMarkdown(document)).toContain("k7f3qd*\n\n*matches postgres; you rated plain up*\n");
  expect(composeHtml(document)).toContain("matches postgres; you rated plain up");
});

test.each([
  ["2026-11-29", "Sunday 29 November"],
  ["2026-11-29-0600", "Sunday 29 November 06:00"],
  ["2026-11-29-140509", "Sunday 29 November 14:05"],
  ["something", "something"],
])("the label %s is said as %s", (label, title) => {
  expect(titleOf({ label })).toBe(title);
  expect(composeMarkdown({ ...documentOf("plain"), label })).toMatch(new RegExp(`^# ${title}\n`));
});

test.each([
  [1, "About 1 minute to read."],
  [40, "About 4 minutes to read."],
])("a digest of %i items of 20 words says how long it takes", (count, time) => {
  const document = documentOf("plain");
  const [entry] = document.sections[0]!.entries;
  const summary = { ...entry!.summary!, text: "word ".repeat(20).trim() };
  document.sections[0]!.entries = Array.from({ length: count }, () => ({ ...entry!, summary }));
  expect(composeMarkdown(document)).toContain(time);
});

test("dates are those of the agent's time zone", () => {
  const document = documentOf("plain");
  document.sections[0]!.entries[0]!.item.publishedAt = Date.UTC(2026, 10, 3, 23, 30);
  for (const [timezone, date] of [
    ["UTC", "2026-11-03"],
    ["Europe/Berlin", "2026-11-04"],
  ] as const) {
    expect(composeMarkdown({ ...document, timezone })).toContain(`, ${date} · k7f3qd*`);
    expect(composeHtml({ ...document, timezone })).toContain(`>${date}</time>`);
  }
});

test("a link that holds quotes stays inside its attribute", () => {
  const html = composeHtml(documentOf("plain", `https://example.org/?q="'><script>alert(1)</script>`));
  expect(html).toContain('href="https://example.org/?q=&quot;&#39;&gt;&lt;script&gt;');
});
