import { Parser } from "htmlparser2";
import { newestFirst } from "../../items/order.ts";
import { SourceUnreadable } from "../source.ts";
import { createEntryDate } from "./entry-date.ts";
import { createXmlBases } from "./xml-base.ts";
import { closingOf, tagOf } from "./xml-tags.ts";

/**
 * Elements and attributes that the feed's parser gets. Each costs it up to 20 us and some hundred bytes, and while it parses,
 * nothing else happens, the kill switch included. 1,000 entries of 25 elements and 10 attributes stay below.
 */
const NODES_MAX = 40_000;
/** Elements and attributes, and entries, that are looked at to find the newest; what follows them is not read. */
const SCANNED_NODES_MAX = 400_000;
const SCANNED_ENTRIES_MAX = 10_000;
/** Of one element: they are held together until its tag ends. */
const ATTRIBUTES_MAX = 1_000;
const DEPTH_MAX = 90;
/** Of one piece of text; no item keeps more of it. */
const TEXT_CHARS_MAX = 200_000;
const ENTRY_PATTERN = /^(?:[^:]+:)?(?:item|entry)$/i;
const LINK_PATTERN = /^(?:[^:]+:)?link$/i;
const CHUNK_CHARS = 16 * 1024;
const TOO_MANY = "it has more tags and attributes in one place than afk reads";

/** What is taken of a document. */
export interface XmlLimits {
  entriesMax: number;
  /** Address of the document, for `xml:base`. */
  base?: string | undefined;
  /** An entry that claims to be newer has no date. Epoch milliseconds. */
  latestMs?: number | undefined;
}

/** A document as the feed's parser may have it. */
export interface BoundedXml {
  document: string;
  /** Entries of the document that were looked at. */
  entries: number;
  /** Those of them that are not in `document`: the oldest, and any that alone are too large. */
  leftOut: number;
  /** Whether the document goes on behind what was looked at. */
  isCut: boolean;
}

interface Entry {
  /** How many elements it stands in. */
  depth: number;
  /** Null when it is too large. */
  parts: string[] | null;
  nodes: number;
  date: ReturnType<typeof createEntryDate>;
}

/** A document while it is read. */
interface Scan {
  /** What stands outside of entries, and between it the entries. */
  written: (string | Entry)[];
  /** Names of the elements that are open. */
  open: string[];
  entry: Entry | null;
  bases: ReturnType<typeof createXmlBases>;
  nodes: number;
  nodesOutside: number;
  /** Of the tag that is read. */
  attributes: number;
  entries: number;
  textChars: number;
  /** Text of a link that is to be made absolute. */
  linkText: string | null;
  isInCdata: boolean;
  isJustOpened: boolean;
  isStopped: boolean;
}

/**
 * The document written anew: its newest `entriesMax` entries (`item`, `entry`) in their order, with nothing but tags and bounded
 * texts, and with the links that an `xml:base` applies to made absolute. The feed's parser has no bounds of its own, and a
 * count made beside it could be led astray by a document that is read in two ways; so it gets only what was counted here.
 * @throws SourceUnreadable when the document is cut off, or, outside of its entries, nests too deep or has too many tags.
 */
export function boundedXml(text: string, limits: XmlLimits): BoundedXml {
  const scan: Scan = {
    written: [],
    open: [],
    entry: null,
    bases: createXmlBases(limits.base),
    nodes: 0,
    nodesOutside: 0,
    attributes: 0,
    entries: 0,
    textChars: 0,
    linkText: null,
    isInCdata: false,
    isJustOpened: false,
    isStopped: false,
  };
  const unlessStopped = (act: () => void) => {
    if (!scan.isStopped) act();
    if (scan.isStopped) parser.pause();
  };
  const parser = new Parser(
    {
      onopentagname: (name) => unlessStopped(() => beginTag(scan, name)),
      onattribute: () => unlessStopped(() => countAttribute(scan)),
      onopentag: (name, attributes) => unlessStopped(() => openTag(scan, name, attributes)),
      ontext: (piece) => unlessStopped(() => takeText(scan, piece)),
      oncdatastart() {
        scan.isInCdata = true;
      },
      oncdataend() {
        scan.isInCdata = false;
      },
      onclosetag: (name, isImplied) => unlessStopped(() => closeTag(scan, name, isImplied)),
    },
    { xmlMode: true, decodeEntities: false },
  );
  for (let at = 0; at < text.length && !scan.isStopped; at += CHUNK_CHARS)
    parser.write(text.slice(at, at + CHUNK_CHARS));
  const [root, ...within] = scan.open;
  // Without its last bracket nothing of it is missing.
  const isWhole = root === undefined || (within.length === 0 && text.trimEnd().endsWith(`</${root}`));
  if (!scan.isStopped && !isWhole)
    throw new SourceUnreadable(`the feed is cut off: it has no closing ${root.slice(0, 50)} tag`);
  return newestOf(scan, limits);
}

function beginTag(scan: Scan, name: string): void {
  scan.attributes = 0;
  if (scan.entry === null && scan.open.length <= 2 && ENTRY_PATTERN.test(name)) {
    scan.entry = { depth: scan.open.length, parts: [], nodes: 0, date: createEntryDate() };
    scan.isStopped = ++scan.entries > SCANNED_ENTRIES_MAX;
  } else if (scan.entry?.depth === scan.open.length - 1) scan.entry.date.open(name);
  countNode(scan);
}

function countAttribute(scan: Scan): void {
  if (++scan.attributes > ATTRIBUTES_MAX) throw new SourceUnreadable(TOO_MANY);
  countNode(scan);
}

function countNode(scan: Scan): void {
  scan.isStopped ||= ++scan.nodes > SCANNED_NODES_MAX;
  if (scan.entry !== null) {
    if (++scan.entry.nodes > NODES_MAX) scan.entry.parts = null;
  } else if (++scan.nodesOutside > NODES_MAX) throw new SourceUnreadable(TOO_MANY);
}

function openTag(scan: Scan, name: string, attributes: Record<string, string>): void {
  endLink(scan);
  scan.open.push(name);
  if (scan.open.length > DEPTH_MAX) {
    if (scan.entry === null) throw new SourceUnreadable("its tags nest too deep");
    scan.isStopped = true;
    return;
  }
  scan.textChars = 0;
  scan.bases.open(attributes["xml:base"]);
  scan.isJustOpened = true;
  if (scan.entry !== null && scan.entry.parts === null) return;
  write(scan, tagOf(name, scan.bases.applies() ? absolute(scan, attributes) : attributes));
  if (scan.bases.applies() && LINK_PATTERN.test(name) && attributes.href === undefined) scan.linkText = "";
}

function absolute({ bases }: Scan, attributes: Record<string, string>): Record<string, string> {
  const { href, src } = attributes;
  return {
    ...attributes,
    ...(href !== undefined && { href: bases.resolve(href) }),
    ...(src !== undefined && { src: bases.resolve(src) }),
  };
}

function takeText(scan: Scan, piece: string): void {
  if (scan.open.length === 0) return;
  scan.isJustOpened = false;
  scan.entry?.date.text(piece);
  if (scan.linkText === null) writeText(scan, piece);
  else scan.linkText = `${scan.linkText}${scan.isInCdata ? piece.replaceAll("&", "&amp;") : piece}`;
}

function closeTag(scan: Scan, name: string, isImplied: boolean): void {
  endLink(scan);
  const { entry, open, written } = scan;
  const parts: (string | Entry)[] = entry === null ? written : (entry.parts ?? []);
  const tag = parts.at(-1);
  // In the HTML that some feeds hold unescaped, `<br/>` and `<br></br>` are not the same.
  if (isImplied && scan.isJustOpened && typeof tag === "string") parts.splice(-1, 1, tag.replace(/>$/, "/>"));
  else parts.push(closingOf(name));
  open.pop();
  scan.bases.close();
  scan.textChars = 0;
  scan.isJustOpened = false;
  if (entry?.depth === open.length - 1) entry.date.close();
  if (entry?.depth !== open.length) return;
  written.push(entry);
  scan.entry = null;
}

function endLink(scan: Scan): void {
  const { linkText } = scan;
  scan.linkText = null;
  if (linkText !== null) writeText(scan, linkText.trim() === "" ? "" : scan.bases.resolve(linkText));
}

function writeText(scan: Scan, text: string): void {
  const kept = text.slice(0, TEXT_CHARS_MAX - scan.textChars);
  scan.textChars += kept.length;
  if (kept !== "") write(scan, scan.isInCdata ? `<![CDATA[${kept}]]>` : kept.replaceAll("<", "&lt;"));
}

function write({ entry, written }: Scan, text: string): void {
  if (entry === null) written.push(text);
  else entry.parts?.push(text);
}

/** The newest entries that fit, each where it stood; an entry that was not read to its end is none. */
function newestOf(scan: Scan, { entriesMax, latestMs = Number.POSITIVE_INFINITY }: XmlLimits): BoundedXml {
  const entries = scan.written.filter((part) => typeof part !== "string" && part.parts !== null);
  const kept = new Set<string | Entry>();
  let nodes = scan.nodesOutside;
  for (const entry of newestFirst(entries, (each) =>
    typeof each === "string" ? null : each.date.value(latestMs),
  )) {
    if (typeof entry === "string") continue;
    nodes += entry.nodes;
    if (kept.size === entriesMax || nodes > NODES_MAX) break;
    kept.add(entry);
  }
  const open = scan.open.slice(0, scan.entry?.depth ?? scan.open.length).toReversed();
  const parts = scan.written.map((part) =>
    typeof part === "string" ? part : kept.has(part) ? (part.parts ?? []).join("") : "",
  );
  const isCut = scan.isStopped;
  const complete = scan.entries - (scan.entry === null ? 0 : 1);
  if (isCut && kept.size === 0) throw new SourceUnreadable(TOO_MANY);
  return {
    document: parts.concat(open.map(closingOf)).join(""),
    entries: complete,
    leftOut: complete - kept.size,
    isCut,
  };
}
