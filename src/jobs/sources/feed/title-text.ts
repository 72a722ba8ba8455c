import { htmlToText } from "../html-text.ts";

/** Of a title's source; no item keeps more than a fraction of it. */
const TITLE_CHARS_MAX = 4_000;
/** What people put around words of a title. Any other tag is what the title is about. */
const FORMATTING = new Set(
  (
    "a abbr acronym b bdi bdo big blink center cite code del dfn div em font h1 h2 h3 h4 h5 h6 i ins kbd mark nobr p q s " +
    "samp small span strike strong sub sup time tt u var"
  ).split(" "),
);
/** Elements that are no text for a reader, when they are there from their beginning to their end. */
const HIDDEN = new Set("script style noscript iframe object svg math template".split(" "));
/** Those that have no end. */
const VOID = new Set("br hr wbr".split(" "));
/** Those that say nothing without attributes; with one, a title does not speak of them but has them. */
const WITH_ATTRIBUTES = new Set(
  "img a font span applet object embed param link meta base frame frameset iframe input form video audio source".split(
    " ",
  ),
);
const TAG = /<(\/?)([a-z][a-z0-9]{0,9})(?=[\s/>])([^<>]{0,1000})>/gi;

/**
 * A title in HTML as a reader would see it. Whether it is HTML nobody says (RSS), and many that say so are not: so only markup
 * that is whole is taken for it (`<b>one</b>`), and `List<T>` or `the <script> tag` stays text. Entities are decoded.
 */
export function titleToText(title: string, charsMax: number): string {
  const source = title.slice(0, TITLE_CHARS_MAX);
  const markup = markupIn(source);
  let at = 0;
  const parts: string[] = [];
  for (const tag of [...source.matchAll(TAG)].filter(({ index }) => markup.has(index))) {
    const isWhole = markup.get(tag.index) === true;
    parts.push(source.slice(at, tag.index).replaceAll("<", "&lt;"), isWhole ? tag[0] : "");
    at = tag.index + tag[0].length;
  }
  return htmlToText([...parts, source.slice(at).replaceAll("<", "&lt;")].join(""), charsMax);
}

/** Where the tags stand that are markup, and whether each has its other half or needs none. */
function markupIn(source: string): Map<number, boolean> {
  const found = new Map<number, boolean>();
  const open = new Map<string, number[]>();
  for (const { index, 1: slash, 2: name = "", 3: rest = "" } of source.matchAll(TAG)) {
    const tag = name.toLowerCase();
    const isMeant = VOID.has(tag) || (WITH_ATTRIBUTES.has(tag) && /\s[a-z-]{1,30}\s*=/i.test(rest));
    if (isMeant) found.set(index, VOID.has(tag) || tag === "img");
    if (!FORMATTING.has(tag) && !HIDDEN.has(tag) && !WITH_ATTRIBUTES.has(tag)) continue;
    const starts = open.get(tag) ?? [];
    open.set(tag, starts);
    if (slash === "") starts.push(index);
    else {
      const start = starts.pop();
      if (start !== undefined) found.set(start, true).set(index, true);
    }
  }
  return found;
}
