import { expect, test } from "vitest";
import { htmlToText } from "../../../src/jobs/digest/html-text.ts";
import { cleanText, clip, oneLine } from "../../../src/jobs/digest/text.ts";

test("removes control characters, hidden text and changes of direction, and keeps the rest", () => {
  expect(cleanText("a\u0000b\u001b[31mc\u0085d\u202Ee\u2066f\u200Bg\u{E0041}h", 100)).toBe("ab[31mc\ndefgh");
  expect(cleanText("שלום 👩‍🔧 κόσμε\r\n世界\tx", 100)).toBe("שלום 👩‍🔧 κόσμε\n世界 x");
  expect(cleanText("lone \uD83D half", 100)).toBe("lone \uFFFD half");
});

test("keeps at most six combining marks in a row", () => {
  expect(cleanText(`a${"\u0301".repeat(500)}b`, 100)).toBe(`a${"\u0301".repeat(6)}b`);
});

test("a line is one line, whatever ends lines", () => {
  expect(oneLine("a\nb\r\nc\u2028d\u000be", 100)).toBe("a b c d e");
});

test("never cuts a pair of surrogates in two", () => {
  expect(clip("ab🚲cd", 4)).toBe("ab…");
  expect(clip("ab", 2)).toBe("ab");
});

test("reads HTML as a reader would", () => {
  const html =
    "<style>p{}</style><p>One &amp; <b>two</b>&nbsp;&eacute;</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul>x<br>y<img src=x onerror=alert(1)>";
  expect(htmlToText(html, 100)).toBe("One & two é\n\na\n\nb\n\nx\ny");
});

test.each([
  ["an unclosed script", "before<script>alert(1)", "before"],
  ["an unclosed tag", "before<img src=x onerror=", "before"],
  ["an escaped tag, which is text", "&lt;script&gt;", "<script>"],
  ["a lone angle bracket", "a < b", "a < b"],
  ["a numeric control character", "a&#0;&#27;b", "a\uFFFDb"],
])("gets along with %s", (_, html, text) => {
  expect(htmlToText(html, 100)).toBe(text);
});

test("a megabyte of closing tags that match nothing is bounded", () => {
  expect(htmlToText(`ok${"<i>".repeat(300_000)}${"</b>".repeat(300_000)}`, 100)).toBe("ok");
});
