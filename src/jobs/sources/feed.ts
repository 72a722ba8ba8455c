import { resolve } from "node:path";
import { type AnyFeed, type AtomFeed, parseFeed } from "feedsmith";
import type { Egress } from "../../egress/types.ts";
import { messageOf } from "../../lib/errors.ts";
import { oneLine } from "../../lib/text.ts";
import { htmlToText } from "../digest/html-text.ts";
import { ITEM_TEXT_CHARS_MAX, newestItems, type RawItem } from "../digest/item.ts";
import { type FeedSource, isRemote } from "../digest/settings.ts";
import { parseBoundedJson } from "./bounded-json.ts";
import { boundedXml } from "./bounded-xml.ts";
import { decodeText } from "./decode.ts";
import { readFileBounded } from "./read-file.ts";
import { type Collected, SourceUnreadable, sourceLabel } from "./source.ts";

const FEED_BYTES_MAX = 4 * 1024 * 1024;
/** Entries that are read; more than are kept, as some feeds list the oldest first. */
const ENTRIES_MAX = 1_000;
/** Of a JSON Feed, which has about ten an entry. */
const JSON_VALUES_MAX = 60_000;
const ACCEPT =
  "application/rss+xml, application/atom+xml, application/feed+json, application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1";

/** @throws SourceUnreadable; and what `egress.fetch` throws. */
export async function collectFeed(
  source: FeedSource,
  context: { egress: Egress; base: string; signal: AbortSignal },
): Promise<Collected> {
  const label = sourceLabel(source);
  if (!isRemote(source.feed)) {
    const path = resolve(context.base, source.feed);
    const { bytes } = await readFileBounded(path, { bytesMax: FEED_BYTES_MAX, followLinks: true });
    return readFeed(bytes, label, { itemsMax: source.max_items });
  }
  const page = await context.egress.fetch(source.feed, { signal: context.signal, accept: ACCEPT });
  if (!page.fromCache && (page.status < 200 || page.status > 299))
    throw new SourceUnreadable(`${source.feed} answered ${page.status}`);
  return readFeed(page.body, label, {
    base: page.url,
    charset: page.charset,
    itemsMax: source.max_items,
  });
}

/**
 * The newest items of a feed: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed. Relative links start at `base`; without it they are dropped.
 * `charset` is the one that the server named.
 * @throws SourceUnreadable when it is too large, cut off, malformed, or no feed.
 */
export function readFeed(
  bytes: Uint8Array,
  label: string,
  { charset, ...how }: { base?: string; charset?: string | null; itemsMax?: number | undefined } = {},
): Collected {
  if (bytes.byteLength > FEED_BYTES_MAX)
    throw new SourceUnreadable(`the feed is larger than ${FEED_BYTES_MAX} bytes`);
  return { items: newestItems(rawItems(parse(decodeText(bytes, charset))), label, how), notes: [] };
}

function parse(text: string): AnyFeed {
  const isJson = text.trimStart().startsWith("{");
  try {
    const feed = isJson ? parseBoundedJson(text, JSON_VALUES_MAX) : boundedXml(text, ENTRIES_MAX);
    return parseFeed(feed, { maxItems: ENTRIES_MAX });
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new SourceUnreadable(
      `no readable feed (${oneLine(messageOf(reason), 150)}): it is cut off, malformed, or no RSS, Atom or JSON Feed`,
      { cause: error },
    );
  }
}

function rawItems({ format, feed }: AnyFeed): RawItem[] {
  switch (format) {
    case "rss":
      return (feed.items ?? []).map((entry) => ({
        id: entry.guid?.value,
        title: html(entry.title),
        link: entry.link ?? (entry.guid?.isPermaLink === false ? undefined : entry.guid?.value),
        text: html(entry.content?.encoded ?? entry.description),
        publishedAt: entry.pubDate ?? entry.dc?.dates?.[0],
      }));
    case "rdf":
      return (feed.items ?? []).map((entry) => ({
        id: entry.rdf?.about,
        title: html(entry.title),
        link: entry.link,
        text: html(entry.content?.encoded ?? entry.description),
        publishedAt: entry.dc?.dates?.[0],
      }));
    case "atom":
      return (feed.entries ?? []).map((entry) => ({
        id: entry.id,
        title: atomText(entry.title),
        link: entry.links?.find((link) => link.rel === undefined || link.rel === "alternate")?.href,
        text: atomText(entry.content) ?? atomText(entry.summary),
        publishedAt: entry.published ?? entry.updated,
      }));
    case "json":
      return (feed.items ?? []).map((entry) => ({
        id: entry.id,
        title: entry.title,
        link: entry.url ?? entry.external_url,
        text: entry.content_text ?? html(entry.content_html) ?? entry.summary,
        publishedAt: entry.date_published ?? entry.date_modified,
      }));
  }
}

function html(value: string | undefined): string | undefined {
  return value === undefined ? undefined : htmlToText(value, ITEM_TEXT_CHARS_MAX);
}

/** RFC 4287, sections 3.1.1 and 4.1.3.3: plain unless it says otherwise; other media types are not for reading. */
function atomText(value: AtomFeed.Content | undefined): string | undefined {
  const type = value?.type ?? "text";
  if (/^(?:html|xhtml|text\/html|application\/xhtml\+xml)$/i.test(type)) return html(value?.value);
  return /^text(?:\/|$)/i.test(type) ? value?.value : undefined;
}
