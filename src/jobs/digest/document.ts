import type { Item } from "./item.ts";

/** Everything a digest says; each output (markdown.ts, html.ts) is made of this and nothing else. */
export interface DigestDocument {
  /** Names the period: a date, with the time when there are several a day. */
  label: string;
  timezone: string;
  lead: Summary | null;
  entries: Entry[];
  /** Number of sources that were asked. */
  sources: number;
  /** New items that found no room. */
  waiting: number;
  failures: Note[];
  /** Parts of working sources that were left out. */
  omissions: Note[];
}

/** One item of a digest. */
export interface Entry {
  item: Item;
  summary: Summary;
}

/** A model's words, cleaned and bounded, not escaped. */
export interface Summary {
  text: string;
  model: string;
  degraded: boolean;
  /** The model's reply was cut off at its bound; this is what it has in whole sentences. */
  truncated?: boolean;
}

/** What is said of a source as a whole. */
export interface Note {
  source: string;
  error: string;
}

/** `12 new items from 6 sources; 3 more wait for the next digest.` */
export function countsLine({ entries, waiting, failures, sources }: DigestDocument): string {
  const items = entries.length === 0 ? "No new items" : plural(entries.length, "new item");
  const more =
    waiting === 0 ? "" : `; ${waiting} more ${waiting === 1 ? "waits" : "wait"} for the next digest`;
  const failed =
    failures.length === 0 ? "" : ` ${plural(failures.length, "source")} failed, named at the end.`;
  return `${items} from ${plural(sources, "source")}${more}.${failed}`;
}

/** Who wrote the summaries; each is a remark in plain text, or null where nothing has to be said. */
export interface Remarks {
  all: string | null;
  of(what: string, summary: Summary): string | null;
}

/** Names the one model that wrote it all, and else the model at each text. A text that was cut off says so itself. */
export function remarksOn({ lead, entries }: DigestDocument): Remarks {
  const summaries = [...(lead === null ? [] : [lead]), ...entries.map((entry) => entry.summary)];
  const authors = new Set(summaries.map((summary) => authorOf("all summaries", summary)));
  const all = authors.size === 1 ? ([...authors][0] ?? null) : null;
  return {
    all,
    of(what, summary) {
      const author = all === null ? [authorOf(what, summary)] : [];
      return [...author, ...(summary.truncated ? ["cut off at the token limit"] : [])].join("; ") || null;
    },
  };
}

function authorOf(what: string, summary: Summary): string {
  return `${summary.degraded ? "degraded: " : ""}${what} by ${summary.model}`;
}

/** `1 source`, `2 sources`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
