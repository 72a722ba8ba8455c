import { expect, test } from "vitest";
import { isTeaser, withoutBoilerplate } from "../../../../src/jobs/digest/articles/teaser.ts";

test.each([
  [
    "Article URL: https://example.org/a\n\nComments URL: https://news.example.org/item?id=1\n\nPoints: 128\n\n# Comments: 47",
    "",
  ],
  ["submitted by /u/someone to r/sailing [link] [comments]", ""],
  ["A new bridge opened. The post A new bridge appeared first on Harbour News.", "A new bridge opened."],
  ["The first line of it.\n\nContinue reading…", "The first line of it."],
  ["Der erste Satz. Weiterlesen →", "Der erste Satz."],
  ["https://example.org/a", ""],
  ["Comments", ""],
  [
    "Points are given for style.\nLink: the one that matters",
    "Points are given for style.\nLink: the one that matters",
  ],
  ["Read the letter that he wrote.", "Read the letter that he wrote."],
  ["", ""],
])("of %j is left %j", (text, left) => {
  expect(withoutBoilerplate(text)).toBe(left);
});

test("a short text and one that is broken off are teasers, a long one is whole", () => {
  expect([isTeaser("short"), isTeaser(`${"word ".repeat(400)}…`), isTeaser("word ".repeat(400))]).toEqual([
    true,
    true,
    false,
  ]);
});

test("a hostile text is read in a moment", () => {
  const started = process.cpuUsage().user;
  for (const text of [
    "the post ".repeat(8_000),
    " ".repeat(8_000),
    "submitted by /u/".repeat(500),
    "[link] ".repeat(1_100),
  ])
    withoutBoilerplate(text);
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(5_000);
});
