import { Parser } from "htmlparser2";
import { SourceUnreadable } from "./source.ts";

/**
 * Elements and attributes of a document. Each costs the feed's parser up to 20 us and some hundred bytes, and while it parses,
 * nothing else happens, the kill switch included. 1,000 entries of 25 elements and 10 attributes stay below.
 */
const NODES_MAX = 40_000;
/** After so many no further entry is begun: of a larger feed the first entries are read, which are the newest of most. */
const NODES_BEFORE_ENTRY_MAX = 36_000;
const DEPTH_MAX = 90;
/** Of one piece of text; no item keeps more of it. */
const TEXT_CHARS_MAX = 200_000;
const NAME_PATTERN = /^[\p{L}_][\p{L}\p{N}\p{M}_.:-]{0,99}$/u;
const CHUNK_CHARS = 16 * 1024;

/**
 * The document written anew: its first `entriesMax` entries (`item`, `entry`), with nothing but tags and bounded texts. The feed's
 * parser has no bounds of its own, and a count made beside it could be led astray by a document that is read in two
 * ways; so it gets only what was counted here.
 * @throws SourceUnreadable when the document is cut off, nests too deep, or has too many tags in one place.
 */
export function boundedXml(text: string, entriesMax: number): string {
  const out: string[] = [];
  const open: string[] = [];
  const seen = { nodes: 0, entries: 0, textChars: 0 };
  let isInCdata = false;
  let isJustOpened = false;
  let isFull = false;
  const count = () => {
    seen.nodes++;
    if (seen.nodes > NODES_MAX)
      throw new SourceUnreadable("it has more tags and attributes in one place than afk reads");
  };
  const parser = new Parser(
    {
      onopentagname(name) {
        if (open.length <= 2 && /^(?:[^:]+:)?(?:item|entry)$/i.test(name)) {
          isFull ||= seen.entries++ >= entriesMax || seen.nodes > NODES_BEFORE_ENTRY_MAX;
          if (isFull) parser.pause();
        }
        if (!isFull) count();
      },
      onattribute: count,
      onopentag(name, attributes) {
        if (isFull) return;
        open.push(name);
        if (open.length > DEPTH_MAX) throw new SourceUnreadable("its tags nest too deep");
        seen.textChars = 0;
        out.push(openTag(name, attributes));
        isJustOpened = true;
      },
      ontext(piece) {
        if (isFull || open.length === 0) return;
        const kept = piece.slice(0, TEXT_CHARS_MAX - seen.textChars);
        seen.textChars += kept.length;
        isJustOpened = false;
        out.push(isInCdata ? `<![CDATA[${kept}]]>` : kept.replaceAll("<", "&lt;"));
      },
      oncdatastart() {
        isInCdata = true;
      },
      oncdataend() {
        isInCdata = false;
      },
      onclosetag(name, isImplied) {
        if (isFull) return;
        const tag = out.at(-1);
        // In the HTML that some feeds hold unescaped, `<br/>` and `<br></br>` are not the same.
        if (isImplied && isJustOpened && tag !== undefined) out.splice(-1, 1, tag.replace(/>$/, "/>"));
        else out.push(closeTag(name));
        open.pop();
        seen.textChars = 0;
        isJustOpened = false;
      },
    },
    { xmlMode: true, decodeEntities: false },
  );
  for (let at = 0; at < text.length && !isFull; at += CHUNK_CHARS) {
    parser.write(text.slice(at, at + CHUNK_CHARS));
  }
  if (!isFull && open[0] !== undefined)
    throw new SourceUnreadable(`the feed is cut off: it has no closing ${open[0].slice(0, 50)} tag`);
  return out.concat(open.toReversed().map(closeTag)).join("");
}

/** A name that is none goes, and what it held stays: some feeds put `<3` in a title. */
function openTag(name: string, attributes: Record<string, string>): string {
  if (!NAME_PATTERN.test(name)) return "";
  const quoted = (value: string) => value.replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const named = Object.entries(attributes).filter(([attribute]) => NAME_PATTERN.test(attribute));
  return `<${name}${named.map(([attribute, value]) => ` ${attribute}="${quoted(value)}"`).join("")}>`;
}

function closeTag(name: string): string {
  return NAME_PATTERN.test(name) ? `</${name}>` : "";
}
