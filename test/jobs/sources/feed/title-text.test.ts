import { expect, test } from "vitest";
import { titleToText } from "../../../../src/jobs/sources/feed/title-text.ts";

test.each([
  ["Why List<T> beats arrays", "Why List<T> beats arrays"],
  ["How to use <script> and <style> tags well", "How to use <script> and <style> tags well"],
  ["The <b> element", "The <b> element"],
  ["Mail to <a@example.org>", "Mail to <a@example.org>"],
  ["a < b && c > d", "a < b && c > d"],
  ["Map<String, List<Integer>>", "Map<String, List<Integer>>"],
  ["<T extends Base>", "<T extends Base>"],
  ["Tea &amp; <b>cake</b>", "Tea & cake"],
  ["<p><b>One</b> <I class='x'>two</I></p>", "One two"],
  ["One<br/>two <img src='x' alt='y'> three", "One\ntwo three"],
  ["<a href='https://example.org/'>News</a>", "News"],
  ["The &lt;b&gt; element", "The <b> element"],
  ["<script>alert(1)</script>News", "News"],
  ["safe<applet code='a'></applet> <embed src='x'> words", "safe words"],
  ["safe<object classid='a'> words", "safe words"],
  ["The <embed> element, and <a>", "The <embed> element, and <a>"],
  ["</b>News<b>", "</b>News<b>"],
  ["I &hearts; caf&eacute; &#8217;", "I ♥ café ’"],
  ["", ""],
])("%j is read as %j", (title, text) => {
  expect(titleToText(title, 200)).toBe(text);
});

test("takes no longer for a title that is made for it", () => {
  for (const piece of ["<b>", "</b>", "<b ", "<b", "<", "&lt;b&gt;", "<b><i></b></i>"])
    expect(titleToText(piece.repeat(500_000), 100).length).toBeLessThanOrEqual(100);
});
