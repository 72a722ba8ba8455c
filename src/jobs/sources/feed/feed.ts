import { resolve } from "node:path";
import { type AnyFeed, parseFeed } from "feedsmith";
import type { Egress } from "../../../egress/types.ts";
import { systemClock } from "../../../lib/clock.ts";
import { parseDate } from "../../../lib/dates.ts";
import { DAY_MS } from "../../../lib/durations.ts";
import { messageOf } from "../../../lib/errors.ts";
import { oneLine } from "../../../lib/text.ts";
import { ITEMS_PER_SOURCE_MAX, newestItems } from "../../items/item.ts";
import { newestFirst } from "../../items/order.ts";
import type { JobContext } from "../../job.ts";
import { parseBoundedJson } from "../bounded-json.ts";
import { decodeText } from "../decode.ts";
import { readFileBounded } from "../read-file.ts";
import { type Collected, SourceUnreadable } from "../source.ts";
import { type BoundedXml, boundedXml, type XmlLimits } from "./bounded-xml.ts";
import { feedContent } from "./feed-entries.ts";
import { type FeedSource, feedLabel, isRemote } from "./settings.ts";

const FEED_BYTES_MAX = 4 * 1024 * 1024;
/** Of a JSON Feed, which has about ten an entry. */
const JSON_VALUES_MAX = 120_000;
const TITLE_CHARS_MAX = 120;
/** Clocks and zones are wrong by less. */
const AHEAD_MS = 2 * DAY_MS;
const ACCEPT =
  "application/rss+xml, application/atom+xml, application/feed+json, application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1";

/** @throws SourceUnreadable; and what `egress.fetch` throws. */
export async function collectFeed(
  source: FeedSource,
  context: { egress: Pick<Egress, "fetch">; base: string; signal: AbortSignal } & Pick<
    JobContext,
    "isSeen" | "period"
  >,
): Promise<Collected> {
  const label = feedLabel(source);
  // A run may begin long after its slot, and a machine's clock may be behind.
  const nowMs = Math.max(systemClock.nowMs(), context.period.slotMs);
  const bytesMax = source.max_bytes ?? FEED_BYTES_MAX;
  const reading = { itemsMax: source.max_items, bytesMax, nowMs };
  if (!isRemote(source.feed)) {
    const path = resolve(context.base, source.feed);
    const { bytes } = await readFileBounded(path, { bytesMax, followLinks: true });
    return await withoutOldNotes(readFeed(bytes, label, reading), context);
  }
  const page = await context.egress.fetch(source.feed, { signal: context.signal, accept: ACCEPT, bytesMax });
  if (!page.fromCache && (page.status < 200 || page.status > 299))
    throw new SourceUnreadable(`${source.feed} answered ${page.status}`);
  const read = readFeed(page.body, label, { ...reading, base: page.url, charset: page.charset });
  return await withoutOldNotes(read, context);
}

/** That older entries were not read is no loss once the oldest that were have been in a digest. */
async function withoutOldNotes(read: Collected, { isSeen }: Pick<JobContext, "isSeen">): Promise<Collected> {
  const oldest = read.notes.length === 0 ? undefined : read.items.at(-1);
  if (oldest === undefined) return read;
  const seen = await isSeen([oldest.key, ...(oldest.aliases ?? [])]);
  return seen.size === 0 ? read : { ...read, notes: [] };
}

/** What the reading of a feed depends on beside its bytes. */
interface FeedReading {
  /** Its address, from which relative links start; without it the site's own address takes its place. */
  base?: string;
  /** The encoding that the server named. */
  charset?: string | null;
  /** 200 unless stated. */
  itemsMax?: number | undefined;
  /** 4 MiB unless stated. */
  bytesMax?: number;
  /** The present; what claims to be two days younger has no date. */
  nowMs?: number;
}

/**
 * The newest items of a feed: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed; how many others it has is a note.
 * @throws SourceUnreadable when it is too large, cut off, malformed, or no feed.
 */
export function readFeed(bytes: Uint8Array, label: string, reading: FeedReading = {}): Collected {
  const { base, charset, itemsMax = ITEMS_PER_SOURCE_MAX, bytesMax = FEED_BYTES_MAX, nowMs } = reading;
  if (bytes.byteLength > bytesMax)
    throw new SourceUnreadable(
      `the feed is larger than ${bytesMax} bytes; max_bytes of the source can be raised`,
    );
  const latestMs = nowMs === undefined ? undefined : nowMs + AHEAD_MS;
  const { feed, note } = parse(decodeText(bytes, charset), { entriesMax: itemsMax, base, latestMs });
  const { title, home, items } = feedContent(feed);
  const name = oneLine(title ?? "", TITLE_CHARS_MAX);
  return {
    ...(name !== "" && { title: name }),
    items: newestItems(items, label, { base: base ?? home, home, itemsMax, latestMs }),
    notes: note === null ? [] : [note],
  };
}

function parse(text: string, limits: XmlLimits): { feed: AnyFeed; note: string | null } {
  const isJson = text.trimStart().startsWith("{");
  try {
    const bounded = isJson ? boundedJsonFeed(text, limits) : boundedXml(text, limits);
    const feed = parseFeed(bounded.document, { maxItems: limits.entriesMax });
    return { feed, note: noteOf(bounded, limits.entriesMax) };
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new SourceUnreadable(
      `no readable feed (${oneLine(messageOf(reason), 150)}): it is cut off, malformed, or no RSS, Atom or JSON Feed`,
      { cause: error },
    );
  }
}

/** JSON Feed, with its newest items alone. */
function boundedJsonFeed(text: string, { entriesMax, latestMs = Number.POSITIVE_INFINITY }: XmlLimits) {
  const document = parseBoundedJson(text, JSON_VALUES_MAX);
  const isFeed = typeof document === "object" && document !== null && "items" in document;
  const items: unknown[] = isFeed && Array.isArray(document.items) ? document.items : [];
  const newest = newestFirst(items, (item) => {
    const ms = jsonDate(item);
    return ms !== null && ms <= latestMs ? ms : null;
  }).slice(0, entriesMax);
  const kept = new Set(newest);
  return {
    document: { ...(isFeed ? document : {}), items: items.filter((item) => kept.has(item)) },
    entries: items.length,
    leftOut: items.length - newest.length,
    isCut: false,
  };
}

function jsonDate(item: unknown): number | null {
  const { date_published: published, date_modified: modified } = Object(item);
  return parseDate(String(published ?? "")) ?? parseDate(String(modified ?? ""));
}

function noteOf(
  { entries, leftOut, isCut }: Omit<BoundedXml, "document">,
  entriesMax: number,
): string | null {
  if (leftOut === 0 && !isCut) return null;
  const kept = entries - leftOut;
  const more = kept === entriesMax ? "; max_items raises that" : "";
  const behind = isCut ? "; the feed goes on behind them, and afk looks at no more" : "";
  return `only the newest ${kept} of its ${entries} entries were read${more}${behind}`;
}
