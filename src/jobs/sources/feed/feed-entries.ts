import type { AnyFeed, AtomFeed } from "feedsmith";
import { parseDate } from "../../../lib/dates.ts";
import { safeLink } from "../../items/identity.ts";
import { ITEM_TEXT_CHARS_MAX, type RawItem } from "../../items/item.ts";
import { decodeText } from "../decode.ts";
import { htmlToText } from "../html-text.ts";
import { titleToText } from "./title-text.ts";

const TITLE_CHARS_MAX = 400;
/** RFC 4287, section 4.2.7.2: the registered name and its address mean the same. */
const ALTERNATE =
  /^(?:alternate|https?:\/\/www\.iana\.org\/assignments\/(?:relation|link-relations)\/alternate)$/i;
const BASE64 = /^[A-Za-z0-9+/=\s]+$/;
const HTML_TYPE = /^(?:html|xhtml|text\/html|application\/xhtml\+xml)\b/i;

type FeedOf<Format extends AnyFeed["format"]> = Extract<AnyFeed, { format: Format }>["feed"];
type RssItem = NonNullable<FeedOf<"rss">["items"]>[number];
type RdfItem = NonNullable<FeedOf<"rdf">["items"]>[number];
type AtomEntry = NonNullable<FeedOf<"atom">["entries"]>[number];
type JsonItem = NonNullable<FeedOf<"json">["items"]>[number];
type Links = { href?: string; rel?: string; type?: string }[] | undefined;

/** What a feed says of itself and of each entry, in its own order. */
interface FeedContent {
  title: string | undefined;
  /** Address of the site. */
  home: string | undefined;
  items: RawItem[];
}

/** Each field is the first of those that could hold it and is not empty. */
export function feedContent({ format, feed }: AnyFeed): FeedContent {
  switch (format) {
    case "rss":
      return {
        title: first([feed.title, ...(feed.dc?.titles ?? []), feed.itunes?.title], title),
        home: feed.link,
        items: (feed.items ?? []).map(rssItem),
      };
    case "rdf":
      return { title: title(feed.title), home: feed.link, items: (feed.items ?? []).map(rdfItem) };
    case "atom":
      return {
        title: atomTitle(feed.title),
        home: alternate(feed.links) ?? otherLink(feed.links),
        items: (feed.entries ?? []).map(atomItem),
      };
    case "json":
      return { title: feed.title, home: feed.home_page_url, items: (feed.items ?? []).map(jsonItem) };
  }
}

function rssItem(entry: RssItem): RawItem {
  const id = entry.guid?.value;
  const permalink = entry.guid?.isPermaLink === false ? undefined : id;
  return {
    id,
    title: first(
      [entry.title, ...(entry.dc?.titles ?? []), entry.media?.title?.value, entry.itunes?.title],
      title,
    ),
    link: first([
      entry.link,
      alternate(entry.atom?.links),
      // A guid need not be an address, and one that is none is not a path either.
      safeLink(permalink) ?? undefined,
      entry.enclosures?.[0]?.url,
      entry.media?.contents?.[0]?.url,
    ]),
    formerLink: entry.link ?? permalink ?? null,
    ...(id === undefined && { formerText: html(entry.content?.encoded ?? entry.description) ?? "" }),
    text: first(
      [
        entry.content?.encoded,
        entry.description,
        entry.atom?.content?.value,
        entry.itunes?.summary,
        ...mediaTexts(entry),
        ...(entry.dc?.descriptions ?? []),
        ...(entry.dcterms?.descriptions ?? []),
        ...(entry.dcterms?.abstracts ?? []),
        entry.googleplay?.description,
        entry.atom?.summary?.value,
        entry.itunes?.subtitle,
      ],
      html,
    ),
    publishedAt: date([
      entry.pubDate,
      ...(entry.dc?.dates ?? []),
      ...(entry.dcterms?.issued ?? []),
      ...(entry.dcterms?.created ?? []),
      entry.atom?.published,
      entry.atom?.updated,
      ...(entry.dcterms?.modified ?? []),
    ]),
  };
}

function rdfItem(entry: RdfItem): RawItem {
  return {
    id: entry.rdf?.about,
    title: first([entry.title, ...(entry.dc?.titles ?? [])], title),
    link: first([entry.link, alternate(entry.atom?.links), safeLink(entry.rdf?.about) ?? undefined]),
    formerLink: entry.link ?? null,
    text: first(
      [entry.content?.encoded, entry.description, ...(entry.dc?.descriptions ?? []), ...mediaTexts(entry)],
      html,
    ),
    publishedAt: date([
      ...(entry.dc?.dates ?? []),
      ...(entry.dcterms?.issued ?? []),
      ...(entry.dcterms?.created ?? []),
      ...(entry.dcterms?.modified ?? []),
    ]),
  };
}

function atomItem(entry: AtomEntry): RawItem {
  const former = entry.links?.find(({ rel }) => rel === undefined || rel === "alternate");
  return {
    id: entry.id,
    title: first([
      atomTitle(entry.title),
      ...[...(entry.dc?.titles ?? []), entry.media?.title?.value].map(title),
    ]),
    link: first([
      alternate(entry.links),
      entry.content?.src,
      safeLink(entry.id) ?? undefined,
      otherLink(entry.links),
    ]),
    formerLink: former?.href ?? null,
    text: first([
      atomText(entry.content),
      atomText(entry.summary),
      ...[...mediaTexts(entry), ...(entry.dc?.descriptions ?? [])].map(html),
    ]),
    publishedAt: date([
      entry.published,
      ...(entry.dcterms?.issued ?? []),
      ...(entry.dcterms?.created ?? []),
      entry.updated,
      ...(entry.dc?.dates ?? []),
    ]),
  };
}

function jsonItem(entry: JsonItem): RawItem {
  return {
    id: entry.id,
    title: entry.title,
    link: first([entry.url, entry.external_url, safeLink(entry.id) ?? undefined]),
    formerLink: entry.url ?? entry.external_url ?? null,
    text: first([entry.content_text, html(entry.content_html), entry.summary]),
    publishedAt: date([entry.date_published, entry.date_modified]),
  };
}

/** The first that has anything in it, once it is read. */
function first(
  values: readonly (string | undefined)[],
  read: (value: string | undefined) => string | undefined = (value) => value,
): string | undefined {
  for (const value of values) {
    const found = value === undefined ? undefined : read(value);
    if (found !== undefined && found.trim() !== "") return found;
  }
  return undefined;
}

/** The first that is a date. */
function date(values: readonly (string | undefined)[]): number | undefined {
  return values.map((value) => parseDate(value ?? "")).find((ms) => ms !== null) ?? undefined;
}

function html(value: string | undefined): string | undefined {
  return value === undefined ? undefined : htmlToText(value, ITEM_TEXT_CHARS_MAX);
}

function title(value: string | undefined): string | undefined {
  return value === undefined ? undefined : titleToText(value, TITLE_CHARS_MAX);
}

/** RFC 4287, sections 3.1.1 and 4.1.3.3: plain unless it says otherwise; other media types are not for reading. */
function atomText(value: AtomFeed.Content | undefined): string | undefined {
  const type = value?.type ?? "text";
  if (HTML_TYPE.test(type)) return html(value?.value);
  return /^text(?:\/|$)/i.test(type) ? value?.value : undefined;
}

/** Of another media type than text it is in Base64 (RFC 4287, section 4.1.3.3), as some old feeds have it. */
function atomTitle(value: AtomFeed.Text | undefined): string | undefined {
  const type = value?.type ?? "text";
  if (HTML_TYPE.test(type)) return title(value?.value);
  const isEncoded = type.includes("/") && !type.startsWith("text/") && BASE64.test(value?.value ?? "");
  return isEncoded ? title(decodeText(Buffer.from(value?.value ?? "", "base64"))) : value?.value;
}

/** The page for people: HTML before what names no type, and that before JSON and the like. */
function alternate(links: Links): string | undefined {
  const found = (links ?? []).filter(({ rel, href }) => href && (rel === undefined || ALTERNATE.test(rel)));
  const isPage = ({ type }: { type?: string }) => HTML_TYPE.test(type ?? "");
  return (found.find(isPage) ?? found.find(({ type }) => type === undefined) ?? found[0])?.href;
}

/** Where there is no page for people: the entry itself, or what it speaks of. */
function otherLink(links: Links): string | undefined {
  return links?.find(({ rel, href }) => href && /^(?:self|via|related)$/i.test(rel ?? ""))?.href;
}

/** Media RSS: an entry's own description, or that of the group that holds its video. */
function mediaTexts({ media }: Pick<RssItem, "media">): (string | undefined)[] {
  const groups = media?.groups?.map(({ description }) => description?.value) ?? [];
  const contents = media?.contents?.map(({ description }) => description?.value) ?? [];
  const texts = media?.texts?.map(({ value }) => value) ?? [];
  return [media?.description?.value, ...groups, ...contents, ...texts];
}
