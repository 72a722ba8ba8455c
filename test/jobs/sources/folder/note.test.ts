import { expect, test } from "vitest";
import { readNote } from "../../../../src/jobs/sources/folder/note.ts";

const WRITTEN = Date.UTC(2026, 5, 1);
const read = (text: string | Uint8Array, name = "a.md") =>
  readNote({ name, modifiedMs: WRITTEN }, Buffer.from(text));

const DAY = Date.UTC(2026, 10, 3);

test.each([
  ["YAML", "---\ntitle: A Title\ndate: 2026-11-03\n---\n\nText."],
  ["YAML that ends in dots", "---\ntitle: A Title\ndate: 2026-11-03\n...\nText."],
  [
    "YAML with quotes, and line ends of CR LF",
    '---\r\ntitle: "A Title"\r\ndate: "2026-11-03"\r\n---\r\nText.\r\n',
  ],
  ["YAML behind a byte order mark", "\ufeff---\ntitle: A Title\ndate: 2026-11-03\n---\nText."],
  ["YAML behind a comment", "<!-- vim: tw=80 -->\n---\ntitle: A Title\ndate: 2026-11-03\n---\nText."],
  ["YAML of several lines", "---\ntitle: >-\n  A\n  Title\ndate: 2026-11-03\ntags: [a, b]\n---\nText."],
  [
    "YAML that is none, as its title has a colon",
    "---\nsub: x: y\ntitle: A Title\ndate: 2026-11-03\n---\nText.",
  ],
  ["keys in capitals", "---\nTitle: A Title\nDate: 2026-11-03\n---\nText."],
  [
    "a title that is empty, and a headline",
    '---\ntitle: ""\nheadline: A Title\ndate:\ncreated: 2026-11-03\n---\nText.',
  ],
  [
    "a template for a date, and another date",
    "---\ntitle: A Title\ndate: '{{ date }}'\npublishDate: 2026-11-03\n---\nText.",
  ],
  ["TOML", "+++\ntitle = 'A Title'\ndate = 2026-11-03T00:00:00Z\n+++\nText."],
  ["TOML with a local date", '+++\ntitle = "A Title"\ndate = 2026-11-03\n[extra]\nx = 1\n+++\nText.'],
  ["JSON", '{\n"title": "A Title",\n"date": "2026-11-03",\n"a": {"b": "}"}\n}\nText.'],
  ["JSON between marks", '---json\n{"title": "A Title", "date": "2026-11-03"}\n---\nText.'],
  ["JSON between semicolons", ';;;\n{"title": "A Title", "date": "2026-11-03"}\n;;;\nText.'],
  ["JSON between semicolons without braces", ';;;\n"title": "A Title",\n"date": "2026-11-03"\n;;;\nText.'],
  ["JavaScript between marks", '---js\n{\n  title: "A Title",\n  date: "2026-11-03",\n}\n---\nText.'],
  ["YAML that does not end", "---\ntitle: A Title\ndate: 2026-11-03\n\nText."],
  ["YAML that only ends", "title: A Title\ndate: 2026-11-03\n---\nText."],
  ["Pandoc's title block", "% A Title\n% Ann\n% 2026-11-03\n\nText."],
  ["Org keywords", "#+TITLE: A Title\n#+DATE: <2026-11-03 Tue>\n\nText."],
  [
    "Org keywords behind a drawer",
    ":PROPERTIES:\n:ID: 1\n:END:\n#+title: A Title\n#+date: 2026-11-03\nText.",
  ],
  ["properties of Logseq", "title:: A Title\ndate:: 2026-11-03\n\nText."],
  ["lines with colons", "Title: A Title\nDate: 2026-11-03\n\nText."],
  ["a heading that says the title again", "---\ntitle: A Title\ndate: 2026-11-03\n---\n# A Title\n\nText."],
  ["a title in the heading alone", "---\ndate: 2026-11-03\n---\n# A Title #\n\nText."],
])("reads a note with %s", (_, text) => {
  expect(read(text)).toEqual({ title: "A Title", text: "Text.", publishedAt: DAY });
});

test.each([
  ["a heading", "# A Title\n\nText.", "A Title", "Text."],
  ["a heading with a line under it", "A Title\n=======\n\nText.", "A Title", "Text."],
  ["a comment before the heading", "<!-- generated -->\n# A Title\n\nText.", "A Title", "Text."],
  [
    "a comment of several lines, and one that does not end",
    "<!--\na\n-->\nA Title\nText.<!-- b",
    "A Title",
    "Text.",
  ],
  ["a comment in the form of a link", "[//]: # (generated)\n# A Title\n\nText.", "A Title", "Text."],
  ["a comment in code", "A Title\n\n```\n<!-- shown -->\n```", "A Title", "```\n<!-- shown -->\n```"],
  ["a rule at its top", "---\n\nA Title\n\nText.", "A Title", "Text."],
  ["a rule at its top and one below", "---\n\n# A Title\n\nText.\n\n---\n", "A Title", "Text.\n\n---"],
  [
    "badges and a picture before the heading",
    "[![b](x.svg)](y) ![c](z)\n\n# A Title\nText.",
    "A Title",
    "Text.",
  ],
  ["markup in the heading", "# **A** [Title](https://example.org) {#id}\n\nText.", "A Title", "Text."],
  ["a heading in HTML", '<h1 align="center">A <b>Title</b></h1>\n\nText.', "A Title", "Text."],
  ["a heading of AsciiDoc", "= A Title\n\nText.", "A Title", "Text."],
  ["a heading between two lines", "=======\nA Title\n=======\n\nText.", "A Title", "Text."],
  ["marks that are no front matter", "A Title\n\n---\nx: y\n---", "A Title", "---\nx: y\n---"],
  ["an object that is its text", "{a} is a set.\n\nText.", "{a} is a set.", "Text."],
])("reads %s as people do", (_, text, title, body) => {
  expect(read(text)).toEqual({ title, text: body, publishedAt: WRITTEN });
});

test("a summary in the front matter comes first, and stands in for a text that is empty", () => {
  expect(read("---\ntitle: A\nsummary: In short.\n---\nText.").text).toBe("In short.\n\nText.");
  expect(read("---\ntitle: A\ndescription: In short.\n---\n").text).toBe("In short.");
});

test.each([
  ["2026-11-03-a.md", DAY],
  ["20261103 a.md", DAY],
  ["2026_11_03.md", DAY],
  ["202611031030 a.md", DAY],
  ["2026-13-03.md", WRITTEN],
  ["20261103999.md", WRITTEN],
])("the name %s is as good as its date", (name, date) => {
  expect(read("A\n\nB", name).publishedAt).toBe(date);
});

test("a file with front matter alone has its name for a title", () => {
  expect(read("---\ntags: [x]\n---\n", "Meeting.md")).toMatchObject({ title: "Meeting", text: "" });
});

test("an empty file is no note", () => {
  expect(read("\n", "Meeting.md")).toMatchObject({ title: "", text: "" });
});

test("reads notes in other encodings", () => {
  expect(read(Buffer.from("Gr\xfc\xdfe\n\nText.", "latin1")).title).toBe("Grüße");
  expect(read(Buffer.from("\ufeffGrüße\n\nText.", "utf16le")).title).toBe("Grüße");
});

test.each([
  [
    "aliases that multiply",
    `---\na: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefghi"].map((k, i) => `${k}: &${k} [${"*".concat("abcdefgh"[i]!, ",").repeat(9)}]`).join("\n")}\ntitle: A\n---\nText.`,
  ],
  ["lists in lists", `---\ntitle: A\nx: ${"[".repeat(20_000)}\n---\nText.`],
  ["TOML in TOML", `+++\ntitle = "A"\nx = ${"[".repeat(20_000)}\n+++\nText.`],
])("front matter made to exhaust the reader does not, for %s", (_, text) => {
  expect(read(text)).toMatchObject({ title: "A", text: "Text." });
});

test("no note takes time that grows faster than it", () => {
  const startedMs = performance.now();
  for (const piece of ["<!--", "`", "```\n", "---\n", "Title: x\n", "{", '"', "+++\n", "# ", "a: &a\n", "\n"])
    read(piece.repeat(128 * 1024));
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test("a heading that is made to keep afk busy does not", () => {
  expect(read(`# ${"`a ".repeat(40_000)}`).title).toMatch(/^`a/);
  expect(read(`${"![](x) ".repeat(5_000)}\n${"[".repeat(20_000)}`).title).toMatch(/^\[/);
});
