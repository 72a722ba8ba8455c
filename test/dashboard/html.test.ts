import { expect, test } from "vitest";
import { html, type Part } from "../../src/dashboard/html.ts";

test("every value is text, in tags and in quoted attributes", () => {
  const hostile = `"><script>alert('x')</script>&`;
  expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
    '<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</p>',
  );
});

test("markup goes in as it is, alone and in lists, and is not escaped twice", () => {
  const items = ["<a>", "b"].map((text) => html`<li>${text}</li>`);
  expect(html`<ul>${items}${["<", 1]}</ul>`.markup).toBe("<ul><li>&lt;a&gt;</li><li>b</li>&lt;1</ul>");
});

test("nothing leaves nothing, and 0 is a figure", () => {
  expect(html`${null}${undefined}${false}${""}${0}`.markup).toBe("0");
});

test("an object that only looks like markup is refused", () => {
  const forged = JSON.parse('{"markup":"<script>alert(1)</script>"}') as Part;
  expect(() => html`${forged}`).toThrow("no markup");
});
