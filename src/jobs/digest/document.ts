import { dayIn } from "../../lib/days.ts";
import type { Item } from "./item.ts";

/** Everything a digest says; each output (compose.ts, html.ts) is made of this and nothing else. */
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

export interface Note {
  source: string;
  error: string;
}

/** `12 new items from 6 sources; 3 more wait for the next digest.` */
export function countsLine(document: DigestDocument): string {
  const { entries, waiting, failures, sources } = document;
  const items = entries.length === 0 ? "No new items" : plural(entries.length, "new item");
  const more =
    waiting === 0 ? "" : `; ${waiting} more ${waiting === 1 ? "waits" : "wait"} for the next digest`;
  const failed =
    failures.length === 0 ? "" : ` ${plural(failures.length, "source")} failed, named at the end.`;
  return `${items} from ${plural(sources, "source")}${more}.${failed}`;
}

/**
 * Who wrote what, and whether it was not the model that should have: said once when one model wrote it all, else at
 * each text. That a text was cut off is always said at the text.
 */
export interface Marks {
  all: string | null;
  of(what: string, summary: Summary): string | null;
}

export function marksOf({ lead, entries }: DigestDocument): Marks {
  const summaries = [...(lead === null ? [] : [lead]), ...entries.map((entry) => entry.summary)];
  const [first] = summaries;
  const isOne = summaries.every(
    ({ model, degraded }) => model === first?.model && degraded === first.degraded,
  );
  const all = first !== undefined && isOne ? authorOf("all summaries", first) : null;
  return {
    all,
    of(what, summary) {
      const marks = [
        ...(all === null ? [authorOf(what, summary)] : []),
        ...(summary.truncated ? ["cut off at the token limit"] : []),
      ];
      return marks.length === 0 ? null : marks.join("; ");
    },
  };
}

function authorOf(what: string, summary: Summary): string {
  return `${summary.degraded ? "degraded: " : ""}${what} by ${summary.model}`;
}

/** The calendar date in a time zone, `2026-11-03`. */
export function dateIn(timezone: string, ms: number): string {
  return dayIn(ms, timezone);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
