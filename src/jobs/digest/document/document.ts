import { dayIn, labelInWords } from "../../../lib/days.ts";
import { plural } from "../../../lib/text.ts";
import type { Item } from "../../items/item.ts";

/** Everything a digest says; each output (markdown.ts, html.ts, report.ts) is made of this and nothing else. */
export interface DigestDocument {
  /** Said by the label unless stated. */
  title?: string;
  /** Counted from the entries unless stated. */
  counts?: string;
  /** What a model wrote of each and of all, in words; a summary unless stated. */
  texts?: { one: string; all: string };
  /** Names the period: a date, with the time when there are several a day. */
  label: string;
  timezone: string;
  lead: Summary | null;
  /** In the order of the page; one without a heading where nothing is grouped. */
  sections: DigestSection[];
  /** What each source had, where that is told. */
  tally?: Note[];
  /** Number of sources that were asked. */
  sources: number;
  /** New items that found no room. */
  waiting: number;
  failures: Note[];
  /** Parts of working sources that were left out. */
  omissions: Note[];
}

/** Entries that belong together. A heading takes the place of what it names in their bylines. */
export interface DigestSection {
  heading: string | null;
  /** The heading is the entries' source. */
  isSource: boolean;
  entries: Entry[];
}

/** One item of a digest. */
export interface Entry {
  /** What `afk rate` takes; null where it is not kept. */
  id: string | null;
  item: Item;
  /** Null where the source gives nothing but a title. */
  summary: Summary | null;
  /** Why it stands where it stands; none where nothing was ranked. */
  reasons: string[];
}

/** A model's words, cleaned and bounded, not escaped. */
export interface Summary {
  text: string;
  /** Null where it is as another digest printed it. */
  model: string | null;
  degraded: boolean;
  /** The model's reply was cut off at its bound; this is what it has in whole sentences. */
  truncated?: boolean;
  /** Why the model's own summary was refused, and this is sentences of the text. */
  refused?: string;
}

/** What is said of a source as a whole. */
export interface Note {
  source: string;
  error: string;
}

/** All entries, in the order of the page. */
export function entriesOf({ sections }: Pick<DigestDocument, "sections">): Entry[] {
  return sections.flatMap(({ entries }) => entries);
}

/** `Sunday 29 November`; with the time where the label has one. */
export function titleOf({ label, title }: Pick<DigestDocument, "label" | "title">): string {
  if (title !== undefined) return title;
  return labelInWords(label);
}

/** `12 new items from 6 sources; 3 more wait for the next digest. About 4 minutes to read.` */
export function countsLine(document: DigestDocument): string {
  const { waiting, failures, sources } = document;
  const entries = entriesOf(document);
  const time = entries.length === 0 ? "" : ` About ${plural(readingMinutes(document), "minute")} to read.`;
  if (document.counts !== undefined) return `${document.counts}${time}`;
  const items = entries.length === 0 ? "No new items" : plural(entries.length, "new item");
  const more = waiting === 0 ? "" : `; ${plural(waiting, "more waits", "more wait")} for the next digest`;
  const failed =
    failures.length === 0 ? "" : ` ${plural(failures.length, "source")} failed, named at the end.`;
  return `${items} from ${plural(sources, "source")}${more}.${failed}${time}`;
}

const WORDS_PER_MINUTE = 220;
/** Of scripts without spaces between words. */
const CHARACTERS_PER_WORD = 2;

function readingMinutes(document: DigestDocument): number {
  const texts = entriesOf(document).flatMap(({ item, summary }) => [item.title, summary?.text ?? ""]);
  return minutesToRead([document.lead?.text ?? "", ...texts].join(" "));
}

/** Minutes that a text takes to read, at least 1. */
function minutesToRead(text: string): number {
  const dense = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu) ?? [];
  const words = text.split(/\s+/).length + dense.length / CHARACTERS_PER_WORD;
  return Math.max(1, Math.round(words / WORDS_PER_MINUTE));
}

/** What stands below the title of an entry. Plain text. */
interface Byline {
  /** Null where the heading above names it. */
  source: string | null;
  /** `2026-11-29`; null where the source does not say. */
  day: string | null;
}

/** Whose an entry is, and of which day. */
export function bylineOf({ item }: Entry, section: DigestSection, timezone: string): Byline {
  const [first, ...others] = item.sources ?? [item.source];
  const also = others.length === 0 ? null : `also in ${others.join(", ")}`;
  return {
    source: section.isSource ? also : [first, ...others].join(", "),
    day: item.publishedAt === null ? null : dayIn(item.publishedAt, timezone),
  };
}

/** How an item is rated, by the example of the first one; null where there is none. */
export function rateCommand({ sections }: Pick<DigestDocument, "sections">): string | null {
  const first = entriesOf({ sections }).find(({ id }) => id !== null);
  return first === undefined ? null : `afk rate ${first.id} up`;
}

/** Who wrote the summaries; each is a remark in plain text, or null where nothing has to be said. */
export interface Remarks {
  all: string | null;
  of(what: "lead" | "summary", summary: Summary): string | null;
}

/** Names the one model that wrote it all, and else the model at each text. A text that is not as the model wrote it says so itself. */
export function remarksOn(document: Pick<DigestDocument, "lead" | "sections" | "texts">): Remarks {
  const { lead, texts = { one: "summary", all: "summaries" } } = document;
  const written = entriesOf(document).flatMap(({ summary }) => summary ?? []);
  const summaries = [...(lead === null ? [] : [lead]), ...written];
  const printed = summaries.filter(({ refused }) => refused === undefined);
  const authors = new Set(printed.flatMap((summary) => authorOf(`all ${texts.all}`, summary)));
  const only = authors.size === 1 ? [...authors] : [];
  const refused = summaries.length - printed.length;
  const but =
    refused === 0
      ? []
      : [`${refused} refused by a check of what they say, and replaced by sentences of the text`];
  return {
    all: [...only, ...but].join("; ") || null,
    of(what, summary) {
      if (summary.refused !== undefined) return `not by the model: ${summary.refused}`;
      const author = only.length === 0 ? authorOf(what === "summary" ? texts.one : what, summary) : [];
      return [...author, ...(summary.truncated ? ["cut off at the token limit"] : [])].join("; ") || null;
    },
  };
}

/** The provider that takes sentences out of a text, and is no model: it cannot say what the text does not. */
export const EXTRACTIVE = "extractive";

function authorOf(what: string, { model, degraded }: Summary): string[] {
  if (model === null) return [];
  if (model === EXTRACTIVE)
    return [`${what}: sentences of the text${degraded ? ", since no model answered" : ""}`];
  return [`${what} by ${model}${degraded ? ", since no model before it answered" : ""}`];
}
