import { expect, it } from "vitest";
import { markdownTable, plainMarkdown } from "../../src/lib/markdown.ts";

it.each([
  ["a\nb\r\n# c", String.raw`a b \# c`],
  ["<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"],
  ["a | b", String.raw`a \| b`],
  ["[here](https://example.org)", String.raw`\[here\](https\://example.org)`],
  ["`code` *bold* _it_ ~~no~~", String.raw`\`code\` \*bold\* \_it\_ \~\~no\~\~`],
  ["- item", String.raw`\- item`],
  ["1. item", String.raw`1\. item`],
  ["a\u202eb\u200bc\u001b[31m", String.raw`abc \[31m`],
  ["", ""],
])("%j is plain text in Markdown", (text, expected) => {
  expect(plainMarkdown(text)).toBe(expected);
});

it("a table has a line for the titles, one under them, and one a row", () => {
  expect(markdownTable(["A", "B"], [["1", "2"]])).toBe("| A | B |\n|---|---|\n| 1 | 2 |");
});
