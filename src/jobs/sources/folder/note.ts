import { extname } from "node:path";
import { parseDate } from "../../../lib/dates.ts";
import { oneLine } from "../../../lib/text.ts";
import type { RawItem } from "../../items/item.ts";
import { decodeText } from "../decode.ts";
import { withoutComments } from "../github/markdown-comments.ts";
import { htmlToText } from "../html-text.ts";
import { readFrontMatter } from "./front-matter.ts";

/** An item keeps far less. */
const TEXT_BYTES_MAX = 128 * 1024;
/** Of a line that may be a title, before its markup is taken off. */
const HEADING_CHARS_MAX = 1_000;
const TITLE_KEYS = ["title", "headline", "subject"];
const DATE_KEYS = [
  "date",
  "publishdate",
  "publish_date",
  "published",
  "published_at",
  "pubdate",
  "created",
  "created_at",
  "date created",
  "updated",
  "lastmod",
  "modified",
];
const SUMMARY_KEYS = ["summary", "description", "excerpt", "abstract"];

/**
 * A text file as an item without an id: title, date and summary of its front matter; else its first line is the title, and
 * a date at the start of its name (2026-11-03-….md), or when it was changed, its date.
 */
export function readNote(file: { name: string; modifiedMs: number }, bytes: Uint8Array): RawItem {
  const { fields, body } = readFrontMatter(withoutComments(decodeText(headOf(bytes))));
  const text = body.replace(PICTURES, "").replace(OVERLINE, "").trim();
  const [first = ""] = text.split(/\r?\n/, 1);
  const heading = headingIn(first.slice(0, HEADING_CHARS_MAX));
  const behindFirst = text
    .slice(first.length)
    .replace(/^\r?\n(?:=+|-+)[ \t]*(?=\r?\n|$)/, "")
    .trim();
  const title = textIn(fields, TITLE_KEYS);
  const isRepeated = title !== null && oneLine(heading, 200) === oneLine(title, 200);
  const rest = title === null || isRepeated ? behindFirst : text;
  const parts = [textIn(fields, SUMMARY_KEYS), rest];
  // An empty file is no note.
  const name = fields.size === 0 ? "" : file.name.slice(0, -extname(file.name).length);
  return {
    title: title ?? (heading || name),
    text: parts.filter(Boolean).join("\n\n") || first,
    publishedAt: dateIn(fields) ?? dateOfName(file.name) ?? file.modifiedMs,
  };
}

/** Lines at the top that hold nothing but pictures, as badges are; a line above a heading, as below it. */
const PICTURES =
  /^(?:\s*(?:\[?!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)(?:\]\([^)\n]{0,2000}\))?[ \t]*)+(?:\r?\n|$))+/;
const OVERLINE = /^\s*([=#*-])\1{2,}[ \t]*\r?\n(?=[^\n]+\n\1{3})/;

/** The words of a heading in Markdown, HTML or AsciiDoc, without their markup; any other line as it is. */
function headingIn(line: string): string {
  const [, html] = /^<h[1-6]\b[^<>]*>(.*?)<\/h[1-6]>\s*$/i.exec(line) ?? [];
  if (html !== undefined) return htmlToText(html, TEXT_BYTES_MAX);
  return line
    .replace(/^(?:#+|=+)\s+/, "")
    .replace(/\s+#+\s*$/, "")
    .replace(/\s+\{[#.][^{}]*\}\s*$/, "")
    .replace(/!?\[([^[\]]+)\]\([^()\s]*\)/g, "$1")
    .replace(/(\*\*|__|`)(?=\S)([^\n]*?\S)\1/g, "$2");
}

/** To the end of a line, so that no character is cut. */
function headOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= TEXT_BYTES_MAX) return bytes;
  const end = bytes.lastIndexOf(0x0a, TEXT_BYTES_MAX);
  return bytes.subarray(0, end === -1 ? TEXT_BYTES_MAX : end);
}

/** The first that says something. */
function textIn(fields: Map<string, unknown>, keys: string[]): string | null {
  for (const key of keys) {
    const value = fields.get(key);
    if ((typeof value === "string" || typeof value === "number") && String(value).trim() !== "")
      return String(value);
  }
  return null;
}

function dateIn(fields: Map<string, unknown>): number | null {
  for (const key of DATE_KEYS) {
    const value = fields.get(key);
    const written = value instanceof Date ? value.toISOString() : value;
    const date =
      typeof written === "string" || typeof written === "number" ? parseDate(String(written)) : null;
    if (date !== null) return date;
  }
  return null;
}

function dateOfName(name: string): number | null {
  const [, year, month, day] =
    /^(\d{4})([-_]?)(\d{2})\2(\d{2})(?=\D|$|\d{4}(?:\d\d)?(?!\d))/
      .exec(name)
      ?.filter((_, index) => index !== 2) ?? [];
  return year === undefined ? null : parseDate(`${year}-${month}-${day}`);
}
