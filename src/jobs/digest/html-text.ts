import { Parser } from "htmlparser2";
import { cleanText } from "./text.ts";

/**
 * Longest HTML that is read, in UTF-16 units. Closing tags that match nothing cost time that grows with the square
 * of the input, so this bounds time as well as memory.
 */
const HTML_CHARS_MAX = 24_000;

/** Elements whose content is not text for a reader. */
const DROPPED = new Set([
  "script",
  "style",
  "template",
  "noscript",
  "iframe",
  "object",
  "svg",
  "math",
  "head",
]);

const BLOCKS = new Set(
  (
    "address article aside blockquote dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main " +
    "nav ol p pre section table tr ul"
  ).split(" "),
);

/** What a reader would read of a piece of HTML: entities decoded, blocks on lines of their own, at most `charsMax` long. */
export function htmlToText(html: string, charsMax: number): string {
  const parts: string[] = [];
  let droppedDepth = 0;
  const parser = new Parser({
    onopentagname(name) {
      if (DROPPED.has(name)) droppedDepth++;
      if (BLOCKS.has(name) || name === "br") parts.push("\n");
      if (name === "td" || name === "th") parts.push(" ");
    },
    ontext(text) {
      // Newlines in HTML source are spaces; only blocks make lines.
      if (droppedDepth === 0) parts.push(text.replace(/\s+/g, " "));
    },
    onclosetag(name) {
      if (DROPPED.has(name)) droppedDepth--;
      if (BLOCKS.has(name)) parts.push("\n");
    },
  });
  parser.write(bounded(html));
  parser.end();
  return cleanText(parts.join(""), charsMax);
}

/** Cut before a tag, not within it, as half a tag would be taken for text. */
function bounded(html: string): string {
  if (html.length <= HTML_CHARS_MAX) return html;
  const cut = html.slice(0, HTML_CHARS_MAX);
  const tagStart = cut.lastIndexOf("<");
  return tagStart > cut.lastIndexOf(">") ? cut.slice(0, tagStart) : cut;
}
