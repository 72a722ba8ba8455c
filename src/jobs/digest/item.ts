import { hash } from "node:crypto";
import { parseDate } from "../../lib/dates.ts";
import { cleanText, oneLine } from "../../lib/text.ts";

/** UTF-16 units of an item's text. */
export const ITEM_TEXT_CHARS_MAX = 8_000;
/** Items of one source, unless its `max_items` says otherwise. */
export const ITEMS_PER_SOURCE_MAX = 200;
const TITLE_CHARS_MAX = 200;
const LINK_CHARS_MAX = 2_000;
/** A step keeps 4 MiB of JSON. */
const ITEMS_JSON_BYTES_MAX = 3_500_000;

/** One thing that a source offers, the same for all kinds of source; safe to keep, not yet escaped for an output. */
export interface Item {
  /** The identity under which it is remembered; the same from whichever source it comes. */
  key: string;
  /** Other identities of the same thing, such as the one that an earlier version remembered it under. */
  aliases?: string[];
  title: string;
  /** An http or https address, or null. */
  link: string | null;
  /** Plain text. */
  text: string;
  /** UTC epoch milliseconds; null when the source does not say. */
  publishedAt: number | null;
  /** Label of the source. */
  source: string;
}

/** What a source says, before any of it is trusted. `link` may be relative to `base`; title and text are plain. */
export interface RawItem {
  /** The source's own identifier: guid, id, Message-ID. */
  id?: string | undefined;
  /** Other identifiers of the same, as `id` has them. */
  aliases?: string[] | undefined;
  title?: string | undefined;
  link?: string | undefined;
  base?: string | undefined;
  text?: string | undefined;
  publishedAt?: number | string | undefined;
}

/** Null for an entry with nothing in it. */
export function toItem(raw: RawItem, source: string): Item | null {
  const text = cleanText(raw.text ?? "", ITEM_TEXT_CHARS_MAX);
  const link = safeLink(raw.link, raw.base);
  const title = oneLine(raw.title ?? "", TITLE_CHARS_MAX) || oneLine(text, 80);
  if (title === "" && link === null) return null;
  const keyOf = (id: string) => shortHash(identity(id.trim(), link, title, text));
  return {
    key: keyOf(raw.id ?? ""),
    ...(raw.aliases === undefined ? {} : { aliases: raw.aliases.map(keyOf) }),
    title: title === "" ? "(untitled)" : title,
    link,
    text,
    publishedAt: typeof raw.publishedAt === "string" ? parseDate(raw.publishedAt) : (raw.publishedAt ?? null),
    source,
  };
}

/** The newest items of one source, newest first, few and short enough for one recorded step. `source` is its label. */
export function newestItems(
  raws: readonly RawItem[],
  source: string,
  {
    base,
    itemsMax = ITEMS_PER_SOURCE_MAX,
  }: { base?: string | undefined; itemsMax?: number | undefined } = {},
): Item[] {
  const items = raws.map((raw) => toItem({ ...raw, base }, source)).filter((item) => item !== null);
  let newest = items.toSorted(byNewest).slice(0, itemsMax);
  for (let charsMax = ITEM_TEXT_CHARS_MAX / 2; charsMax >= 100; charsMax /= 2) {
    if (Buffer.byteLength(JSON.stringify(newest)) <= ITEMS_JSON_BYTES_MAX) break;
    newest = newest.map((item) => ({ ...item, text: cleanText(item.text, Math.floor(charsMax)) }));
  }
  return newest;
}

/** Newest first; undated last; the key decides between equals, so that the order is always the same. */
export function byNewest(a: Item, b: Item): number {
  return (b.publishedAt ?? -1) - (a.publishedAt ?? -1) || Number(a.key > b.key) - Number(a.key < b.key);
}

/** An absolute http or https address without user name or password, in its one spelling; null for anything else. */
export function safeLink(link: string | undefined, base?: string): string | null {
  if (link === undefined || link.trim() === "") return null;
  const url = URL.parse(link.trim(), base);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  if (url.username !== "" || url.password !== "" || url.href.length > LINK_CHARS_MAX) return null;
  return url.href;
}

/** 128 bits of SHA-256: short enough for a step name, long enough that two items never share it by accident. */
export function shortHash(content: string | Uint8Array): string {
  return hash("sha256", content).slice(0, 32);
}

/** A bare id such as `17` is unique in its own feed only, so the host of the link, or else the title, goes with it. */
function identity(id: string, link: string | null, title: string, text: string): string {
  const idAsLink = safeLink(id);
  if (idAsLink !== null) return idAsLink;
  if (/^[a-z][a-z0-9+.-]*:\S/i.test(id) || /^<[^\s@]+@\S+>$/.test(id)) return id;
  if (id !== "") return link === null ? `${id}\n${title}` : `${id}\n${new URL(link).host}`;
  return link ?? `${title}\n${text}`;
}
