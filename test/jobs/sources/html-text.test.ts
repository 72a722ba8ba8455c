import { expect, test } from "vitest";
import { htmlToText } from "../../../src/jobs/sources/html-text.ts";

test("reads HTML as a reader would", () => {
  const html =
    "<style>p{}</style><p>One &amp; <b>two</b>&nbsp;&eacute;</p><script>alert(1)</script><ul><li>a</li><li>b</li></ul>x<br>y<img src=x onerror=alert(1)>";
  expect(htmlToText(html, 100)).toBe("One & two é\n\na\n\nb\n\nx\ny");
});

test.each([
  ["an unclosed script", "before<script>alert(1)", "before"],
  ["an unclosed frame", "before <iframe src='x'/> <b>after</b>", "before after"],
  ["a frame with words for old browsers", "before <iframe src='x'>no frames</iframe> after", "before after"],
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

test("reads what stands behind much that no reader sees, and is not kept busy by it", () => {
  const hidden = `<!--${"-".repeat(30_000)}--><STYLE>${"a".repeat(30_000)}</Style><img src='data:x,${"A".repeat(30_000)}'>`;
  expect(htmlToText(`${hidden}<p>Words.</p>`, 100)).toBe("Words.");
  expect(htmlToText(`<p>Words.</p>${"<style><!--".repeat(300_000)}`, 100)).toBe("Words.");
});

test.each([
  ["<p>a</p><div style='display:none'>b</div><p>c</p>", "a\n\nc"],
  ["<p>a</p><div style='color:red; DISPLAY : NONE !important'><p>b</p></div><p>c</p>", "a\n\nc"],
  ["<p>a</p><p hidden>b</p><p>c</p>", "a\n\nc"],
  ["<p>a<span style='visibility:hidden'>b</span>c</p>", "ac"],
  ["<p>a<span style='font-size:0px'>b</span><span style='font-size:0.9em'>c</span></p>", "ac"],
  ["<p>a<span style='opacity:0'>b</span><span style='opacity:0.5'>c</span></p>", "ac"],
  ["<p>a<img style='display:none' src=x>b</p>", "ab"],
  ["<p>a</p><div style='display:none'><img src=x>b", "a"],
])("leaves out what is not displayed: %s", (html, text) => {
  expect(htmlToText(html, 100).replaceAll(/ ?\n+ ?/g, "\n\n")).toBe(text);
});
