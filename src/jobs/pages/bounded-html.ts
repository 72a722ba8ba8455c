import { Parser } from "htmlparser2";
import { escapeHtml } from "../../lib/text.ts";

/** Of what a page may put before who looks for its text: the time that takes grows faster than any of them. */
const ELEMENTS_MAX = 4_000;
const DEPTH_MAX = 60;
const TEXT_CHARS_MAX = 120_000;
/** Each makes a node of its own. */
const ESCAPED_MAX = 2_000;
const ATTRIBUTE_CHARS_MAX = 100;
/** Deeper than any page that a person wrote; the parser's own time grows with it. */
const NESTING_MAX = 600;
const CHUNK_CHARS = 1_000;

/** What holds no text of an article, and is most of many pages. */
const DROPPED = new Set(
  "script style template noscript iframe object svg math canvas video audio form select button nav link meta input".split(
    " ",
  ),
);
const VOID = new Set("area base br col embed hr img source track wbr".split(" "));
/** By what text is told from what stands around it. */
const ATTRIBUTES = ["class", "id", "itemprop", "role", "rel"];

/** What part of a page is kept. */
interface Kept {
  elementsMax: number;
  dropped: ReadonlySet<string>;
  /** Any of them where null: a selector may name each. */
  attributes: readonly string[] | null;
}

const FOR_READING: Kept = { elementsMax: ELEMENTS_MAX, dropped: DROPPED, attributes: ATTRIBUTES };
/** A price stands in a form as a rule. */
const FOR_SELECTING: Kept = {
  elementsMax: 10_000,
  dropped: new Set("script style template noscript iframe object svg math canvas video audio".split(" ")),
  attributes: null,
};
const ATTRIBUTES_OF_ONE_MAX = 20;
const ATTRIBUTE_CHARS_OF_ALL_MAX = 1_000_000;

/** A page as little HTML that is well-formed, and cut where it is more than anybody reads. */
export function boundedHtml(html: string): string {
  return cutHtml(html, FOR_READING).html;
}

/** The same with forms, menus and attributes, for a selector to find a part of it; `isCut` where the page has more. */
export function selectableHtml(html: string): { html: string; isCut: boolean } {
  return cutHtml(html, FOR_SELECTING);
}

function cutHtml(html: string, kept: Kept): { html: string; isCut: boolean } {
  const parts: string[] = [];
  const open: (string | null)[] = [];
  let [elements, depth, dropped, characters, escaped] = [0, 0, 0, 0, 0];
  let isSpaced = false;
  let attributeChars = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      elements++;
      if (kept.dropped.has(name)) dropped++;
      const isKept = dropped === 0 && depth < DEPTH_MAX && /^[a-z][a-z0-9]*$/.test(name);
      open.push(isKept ? name : null);
      if (!isKept) return;
      depth++;
      const written = attributeChars > ATTRIBUTE_CHARS_OF_ALL_MAX ? "" : attributesOf(attributes, kept);
      attributeChars += written.length;
      parts.push(`<${name}${written}>`);
    },
    ontext(text) {
      if (dropped > 0) return;
      const all = text.slice(0, Math.max(0, TEXT_CHARS_MAX - characters)).replace(/\s+/g, " ");
      // One space for a run of them: who looks for the text takes far longer over many.
      const read = isSpaced && all.startsWith(" ") ? all.slice(1) : all;
      if (all !== "") isSpaced = all.endsWith(" ");
      escaped += read.match(/[<>&]/g)?.length ?? 0;
      parts.push(escaped > ESCAPED_MAX ? read.replace(/[<>&]/g, " ") : escapeHtml(read));
      characters += text.length;
    },
    onclosetag(name) {
      if (kept.dropped.has(name)) dropped--;
      const opened = open.pop();
      if (opened === null || opened === undefined) return;
      depth--;
      if (!VOID.has(opened)) parts.push(`</${opened}>`);
    },
  });
  const isFull = () =>
    elements > kept.elementsMax || characters > TEXT_CHARS_MAX || open.length > NESTING_MAX;
  for (let at = 0; at < html.length && !isFull(); at += CHUNK_CHARS)
    parser.write(html.slice(at, at + CHUNK_CHARS));
  // Also where it was cut: what is open is closed.
  parser.end();
  return { html: parts.join(""), isCut: isFull() };
}

function attributesOf(attributes: Record<string, string>, kept: Kept): string {
  const names =
    kept.attributes ?? Object.keys(attributes).filter((name) => /^[a-z][\w:.-]{0,60}$/.test(name));
  return names
    .slice(0, ATTRIBUTES_OF_ONE_MAX)
    .flatMap((name) => {
      const value = attributes[name];
      return value === undefined ? [] : [` ${name}="${escapeHtml(value.slice(0, ATTRIBUTE_CHARS_MAX))}"`];
    })
    .join("");
}
