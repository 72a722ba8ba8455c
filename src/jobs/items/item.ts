import { parseDate } from "../../lib/dates.ts";
import { cleanText, oneLine } from "../../lib/text.ts";
import { contentKeys, identityOf, safeLink, shortHash, withoutTracking } from "./identity.ts";
import { newestFirst } from "./order.ts";

/** UTF-16 units of an item's text. */
export const ITEM_TEXT_CHARS_MAX = 8_000;
/** Items of one source, unless its `max_items` says otherwise. */
export const ITEMS_PER_SOURCE_MAX = 200;
const TITLE_CHARS_MAX = 200;
const SENDER_CHARS_MAX = 80;
/** A step keeps 4 MiB of JSON. */
const ITEMS_JSON_BYTES_MAX = 3_500_000;

/** What an action on an item may need of where it came from; taken from headers and the API, never from the item's text. */
export type ItemOrigin =
  | {
      type: "mail";
      /** `<…>` of its own, and of what it answers, the oldest first. */
      messageId: string | null;
      references: string[];
      /** One address each, of From and of Reply-To. */
      from: string | null;
      replyTo: string | null;
      subject: string;
    }
  | { type: "github"; repository: string; number: number; thing: "issue" | "pull_request" };

/** One thing that a source offers, the same for all kinds of source; safe to keep, not yet escaped for an output. */
export interface Item {
  /** The identity under which it is remembered; the same from whichever source it comes. */
  key: string;
  /** Further identities under which it is remembered, those of earlier versions among them. */
  aliases?: string[];
  /** The key that it has in common with others of its document, under which earlier versions remembered the first of them. */
  sharedKey?: string;
  title: string;
  /** An http or https address, or null. */
  link: string | null;
  /** Plain text. */
  text: string;
  /** UTC epoch milliseconds; null when the source does not say. */
  publishedAt: number | null;
  /** When an event begins, which is what it is sorted by; UTC epoch milliseconds. */
  startsAt?: number;
  /** Label of the source. */
  source: string;
  /** Where its source can be written to about it. */
  origin?: ItemOrigin;
  /** Labels of all sources that have it, where there are several; `source` is the first. */
  sources?: string[];
}

/** What a source says, before any of it is trusted. `link` may be relative to `base`; title and text are plain. */
export interface RawItem {
  /** The source's own identifier: guid, id, Message-ID. */
  id?: string | undefined;
  /** Identifiers that it also has, or had in earlier versions. */
  aliases?: readonly string[] | undefined;
  title?: string | undefined;
  link?: string | undefined;
  /** The link by which earlier versions identified it, where they chose another. */
  formerLink?: string | null | undefined;
  /** The text by which earlier versions identified it, where they chose another: it counts without id and link alone. */
  formerText?: string | undefined;
  base?: string | undefined;
  text?: string | undefined;
  publishedAt?: number | string | undefined;
  startsAt?: number | undefined;
  origin?: ItemOrigin | undefined;
  /** Whoever sent it, where readers know it by that and not by its source. */
  sender?: string | undefined;
}

/** Bounds of what is taken of a source. */
interface ItemLimits {
  /** Address that relative links start from. */
  base?: string | undefined;
  /** Address of the site itself, which identifies no item. */
  home?: string | undefined;
  /** 200 unless stated. */
  itemsMax?: number | undefined;
  /** What claims to be published later has no date: it would be the newest for ever. Epoch milliseconds. */
  latestMs?: number | undefined;
}

/** Null for an entry with nothing in it. */
export function toItem(raw: RawItem, source: string): Item | null {
  const text = cleanText(raw.text ?? "", ITEM_TEXT_CHARS_MAX);
  const link = safeLink(raw.link, raw.base);
  const title = oneLine(raw.title ?? "", TITLE_CHARS_MAX) || oneLine(text, 80);
  if (title === "" && link === null) return null;
  const plainLink = link === null ? null : withoutTracking(link);
  const keys = keysOf(raw, { link: plainLink, title, text }, link);
  return {
    key: keys[0] ?? "",
    ...(keys.length > 1 && { aliases: keys.slice(1) }),
    title: title === "" ? "(untitled)" : title,
    link: plainLink,
    text,
    publishedAt: typeof raw.publishedAt === "string" ? parseDate(raw.publishedAt) : (raw.publishedAt ?? null),
    ...(raw.startsAt !== undefined && { startsAt: raw.startsAt }),
    source: oneLine(raw.sender ?? "", SENDER_CHARS_MAX) || source,
    ...(raw.origin !== undefined && { origin: raw.origin }),
  };
}

/** The key first, then what it would have been by other ids and in earlier versions. */
function keysOf(raw: RawItem, item: Pick<Item, "title" | "text" | "link">, link: string | null): string[] {
  const id = raw.id?.trim() ?? "";
  const idAsLink = safeLink(id);
  const formerLink = raw.formerLink === undefined ? link : safeLink(raw.formerLink ?? "", raw.base);
  const former = raw.formerText === undefined ? item.text : cleanText(raw.formerText, ITEM_TEXT_CHARS_MAX);
  const identities = [
    identityOf(idAsLink === null ? id : withoutTracking(idAsLink), item),
    identityOf(id, { ...item, link: formerLink, text: former }),
    ...(raw.aliases ?? []).map((other) => identityOf(other.trim(), item)),
  ];
  return [...new Set(identities.map(shortHash))];
}

/** The newest items of one source, newest first, few and short enough for one recorded step. `source` is its label. */
export function newestItems(raws: readonly RawItem[], source: string, limits: ItemLimits = {}): Item[] {
  const { base, home, itemsMax = ITEMS_PER_SOURCE_MAX, latestMs = Number.POSITIVE_INFINITY } = limits;
  const items = raws
    .map((raw) => toItem({ ...raw, base: raw.base ?? base }, source))
    .filter((item) => item !== null)
    .map((item) => ((item.publishedAt ?? 0) > latestMs ? { ...item, publishedAt: null } : item));
  const newest = newestFirst(identified(items, safeLink(home)), ({ publishedAt }) => publishedAt);
  return shortened(newest.slice(0, itemsMax));
}

/** Texts short enough, whatever their number and script, that all fit into one recorded step. */
export function shortened(items: Item[]): Item[] {
  let kept = items;
  for (let charsMax = ITEM_TEXT_CHARS_MAX / 2; charsMax > 1; charsMax = Math.floor(charsMax / 2)) {
    if (Buffer.byteLength(JSON.stringify(kept)) <= ITEMS_JSON_BYTES_MAX) break;
    kept = kept.map((item) => ({ ...item, text: cleanText(item.text, charsMax) }));
  }
  return kept;
}

/** What only the whole document shows: a key that several items have identifies none, and so does a link. */
function identified(items: Item[], home: string | null): Item[] {
  const keys = new Map<string, boolean>();
  const links = new Map<string, boolean>();
  const firstByKey = new Map<string, Item>();
  const firstByLink = new Map<string, Item>();
  for (const item of items) {
    const like = firstByKey.get(item.key) ?? item;
    firstByKey.set(item.key, like);
    const isSame =
      like.link === item.link && like.title === item.title && (item.link !== null || like.text === item.text);
    keys.set(item.key, (keys.get(item.key) ?? true) && isSame);
    if (item.link === null) continue;
    const there = firstByLink.get(item.link) ?? item;
    firstByLink.set(item.link, there);
    const isOwn = there.key === item.key && there.title === item.title && !isHome(item.link, home);
    links.set(item.link, (links.get(item.link) ?? true) && isOwn);
  }
  return items.map((item) => {
    const isShared = keys.get(item.key) === false;
    const hasOwnLink = item.link !== null && links.get(item.link) === true;
    const [key = item.key, ...wider] = isShared ? widenedKeys(item, hasOwnLink) : [];
    const others = isShared ? wider : (item.aliases ?? []);
    return {
      ...item,
      ...(isShared && { key, sharedKey: item.key }),
      aliases: [...others, ...(hasOwnLink ? contentKeys(item) : [])],
    };
  });
}

/** A key that several items share, with what tells them apart: link and title, without a link the text too; a link of its own is enough. */
function widenedKeys({ key, link, title, text }: Item, hasOwnLink: boolean): string[] {
  const whole = shortHash(`${key}\n${link ?? text}\n${title}`);
  return hasOwnLink ? [whole, shortHash(`${key}\n${link}`)] : [whole];
}

/** A site's own address, to which some feeds link all that they offer. */
function isHome(link: string, home: string | null): boolean {
  const { pathname, search } = new URL(link);
  return link === home || pathname + search === "/";
}
