import { Parser } from "htmlparser2";
import { escapeHtml } from "../../../lib/text.ts";

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

/** A page as little HTML that is well-formed, and cut where it is more than anybody reads. */
export function boundedHtml(html: string): string {
  const parts: string[] = [];
  const open: (string | null)[] = [];
  let [elements, depth, dropped, characters, escaped] = [0, 0, 0, 0, 0];
  let isSpaced = false;
  const parser = new Parser({
    onopentag(name, attributes) {
      elements++;
      const isDropped = DROPPED.has(name);
      if (isDropped) dropped++;
      const isKept = dropped === 0 && depth < DEPTH_MAX && /^[a-z][a-z0-9]*$/.test(name);
      open.push(isKept ? name : null);
      if (!isKept) return;
      depth++;
      parts.push(`<${name}${attributesOf(attributes)}>`);
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
      if (DROPPED.has(name)) dropped--;
      const kept = open.pop();
      if (kept === null || kept === undefined) return;
      depth--;
      if (!VOID.has(kept)) parts.push(`</${kept}>`);
    },
  });
  const isFull = () => elements > ELEMENTS_MAX || characters > TEXT_CHARS_MAX || open.length > NESTING_MAX;
  for (let at = 0; at < html.length && !isFull(); at += CHUNK_CHARS)
    parser.write(html.slice(at, at + CHUNK_CHARS));
  // Also where it was cut: what is open is closed.
  parser.end();
  return parts.join("");
}

function attributesOf(attributes: Record<string, string>): string {
  return ATTRIBUTES.flatMap((name) => {
    const value = attributes[name];
    return value === undefined ? [] : [` ${name}="${escapeHtml(value.slice(0, ATTRIBUTE_CHARS_MAX))}"`];
  }).join("");
}
