import { Parser } from "htmlparser2";
import { cleanText } from "../../lib/text.ts";

/** Longest HTML that is read, in UTF-16 units. */
const HTML_CHARS_MAX = 24_000;
/** Elements that may be open at once; what follows is not read. The parser compares each closing tag with all of them. */
const DEPTH_MAX = 200;
const CHUNK_CHARS = 1_000;

/** Elements whose content is not text for a reader. */
const DROPPED = new Set("script style template noscript iframe object svg math head".split(" "));

const BLOCKS = new Set(
  (
    "address article aside blockquote dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main " +
    "nav ol p pre section table tr ul"
  ).split(" "),
);

/** A picture within the text: newsletters and notes hold megabytes of them. */
const DATA_ADDRESS = /(["'(=]data:)[^"'()<>]{100,}/gi;
/** Comments, among them those for one mail program, and elements that show nothing. */
const HIDDEN = /<!--|<(style|script|svg)\b/gi;

/** Without comments, style sheets and scripts. One that does not end stays. */
function withoutHidden(html: string): string {
  const unended = new Set<string>();
  const parts: string[] = [];
  let end = 0;
  for (const { 0: opening, 1: name = "", index } of html.matchAll(HIDDEN)) {
    if (index < end || unended.has(name.toLowerCase())) continue;
    const closing = name === "" ? /-->/g : new RegExp(`</${name}\\s*>`, "gi");
    closing.lastIndex = index + opening.length;
    if (closing.exec(html) === null) unended.add(name.toLowerCase());
    else {
      parts.push(html.slice(end, index));
      end = closing.lastIndex;
    }
  }
  return parts.join(" ") + html.slice(end);
}

/**
 * What a reader would read of a piece of HTML: entities decoded, blocks on lines of their own, at most `charsMax` long. Of the HTML
 * at most `htmlCharsMax` are read.
 */
export function htmlToText(html: string, charsMax: number, htmlCharsMax = HTML_CHARS_MAX): string {
  const read = withoutUnended(bounded(html, htmlCharsMax));
  const parts: string[] = [];
  const open: boolean[] = [];
  let droppedDepth = 0;
  let depth = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      depth++;
      const isDropped = DROPPED.has(name) || isUndisplayed(attributes);
      open.push(isDropped);
      if (isDropped) droppedDepth++;
      if (BLOCKS.has(name) || name === "br") parts.push("\n");
      if (name === "td" || name === "th") parts.push(" ");
    },
    ontext(text) {
      // Newlines in HTML source are spaces; only blocks make lines.
      if (droppedDepth === 0) parts.push(text.replace(/\s+/g, " "));
    },
    onclosetag(name) {
      depth--;
      if (open.pop() === true) droppedDepth--;
      if (BLOCKS.has(name)) parts.push("\n");
    },
  });
  for (let at = 0; at < read.length && depth <= DEPTH_MAX; at += CHUNK_CHARS) {
    parser.write(read.slice(at, at + CHUNK_CHARS));
  }
  // Ending would take a tag that was cut by the last piece for text.
  if (depth <= DEPTH_MAX) parser.end();
  return cleanText(parts.join(""), charsMax);
}

/** What a mail program does not show: lines meant for its list of mails, and text that is meant for other readers than people. */
const UNDISPLAYED =
  /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*(?:\.0*)?|(?:font-size|max-height)\s*:\s*0*(?:\.0*)?(?:px|pt|em|rem|%)?|mso-hide\s*:\s*all)\s*(?:!important\s*)?(?:;|$)/i;
const STYLE_CHARS_MAX = 2_000;

function isUndisplayed({ hidden, style }: Record<string, string>): boolean {
  return hidden !== undefined || (style !== undefined && UNDISPLAYED.test(style.slice(0, STYLE_CHARS_MAX)));
}

/** Frames that nobody ends are common, and to a browser all that follows is theirs; a reader wants the article. */
function withoutUnended(html: string): string {
  return /<\/(?:iframe|object)/i.test(html) ? html : html.replace(/<(?:iframe|object)\b[^<>]*>/gi, " ");
}

/** Cut before a tag, not within it, as half a tag would be taken for text. What no reader sees does not count. */
function bounded(whole: string, charsMax: number): string {
  if (whole.length <= charsMax) return whole;
  const html = withoutHidden(whole.replace(DATA_ADDRESS, "$1"));
  if (html.length <= charsMax) return html;
  const cut = html.slice(0, charsMax);
  const tagStart = cut.lastIndexOf("<");
  return tagStart > cut.lastIndexOf(">") ? cut.slice(0, tagStart) : cut;
}
