import ICAL from "ical.js";
import { DAY_MS } from "../../../lib/durations.ts";
import type { EventBlock } from "./ics-blocks.ts";
import { type Moment, momentOf, type ParsedEvent, parseEvent } from "./parsed-event.ts";
import { type Span, startsOf, type TryBudget } from "./recurrence.ts";
import type { Zones } from "./zones.ts";

/** Once that an event takes place. Instants are epoch milliseconds; the end is after the last. */
export interface Occurrence {
  /** The same for the same thing, also after its time was changed. */
  id: string;
  title: string;
  place: string;
  description: string;
  isAllDay: boolean;
  startMs: number;
  endMs: number;
  isCancelled: boolean;
}

/** Occurrences within a span, and why others are not there. */
export interface Found {
  occurrences: Occurrence[];
  /** Titles of events whose rules are wrong, or come too often or from too long ago to be followed. */
  unfollowed: string[];
  unreadable: number;
}

/** Longest event that is found when it began before the span, where a rule repeats it. */
const LENGTH_MS_MAX = 60 * DAY_MS;
const PER_EVENT_MAX = 100;
const OCCURRENCES_MAX = 2_000;
const UNFOLLOWED_MAX = 20;

/** All that takes place within a span, by time. Events that cannot be read are counted, and the others are there. */
export function findOccurrences(blocks: readonly EventBlock[], zones: Zones, span: Span): Found {
  const found: Found = { occurrences: [], unfollowed: [], unreadable: 0 };
  const budget: TryBudget = { left: 400_000 };
  const near = blocks.filter((block) => mayBeWithin(block, span));
  const parsed = near.flatMap((block) => {
    const event = parseEvent(block.lines, zones);
    if (event === null) found.unreadable++;
    return event ?? [];
  });
  for (const [uid, events] of Map.groupBy(parsed, ({ uid }) => uid)) {
    if (found.occurrences.length >= OCCURRENCES_MAX) break;
    const series = events.filter(({ recurrenceId }) => recurrenceId === null);
    const single = events.filter(({ recurrenceId }) => recurrenceId !== null);
    const main = series.toSorted((a, b) => a.sequence - b.sequence).at(-1);
    const changed = new Set(single.flatMap(({ recurrenceId }) => matchKeys(recurrenceId)));
    if (main !== undefined) {
      const starts = startsOf(main, { ...span, fromMs: span.fromMs - lengthOf(main) }, budget);
      if (starts === null && found.unfollowed.length < UNFOLLOWED_MAX) found.unfollowed.push(main.title);
      for (const start of (starts ?? [main.start]).slice(0, PER_EVENT_MAX))
        if (!start.keys.some((key) => changed.has(key)))
          found.occurrences.push(occurrence(main, start, idOf(uid, main, start)));
    }
    for (const event of newestOf(single))
      found.occurrences.push(occurrence(event, event.start, `${uid}\n${event.recurrenceId?.ms}`));
  }
  const within = found.occurrences.filter(
    ({ startMs, endMs }) => startMs < span.untilMs && (endMs > span.fromMs || startMs >= span.fromMs),
  );
  return { ...found, occurrences: within.toSorted(byTime) };
}

/** By start, what is all day first; the title decides between equals. */
export function byTime(a: Occurrence, b: Occurrence): number {
  return (
    a.startMs - b.startMs ||
    Number(b.isAllDay) - Number(a.isAllDay) ||
    Number(a.title > b.title) - Number(a.title < b.title)
  );
}

/** Without parsing it: a day more on either side, as zones are apart by less. */
function mayBeWithin(
  { isRecurring, firstDay, lastDay, lines }: EventBlock,
  { fromMs, untilMs }: Span,
): boolean {
  if (firstDay > dayDigits(untilMs + 2 * DAY_MS))
    return lines.some((line) => /^RECURRENCE-ID[;:]/i.test(line));
  const isOne = !isRecurring && !lines.some((line) => /^RECURRENCE-ID[;:]/i.test(line));
  return !isOne || lastDay === "" || lastDay >= dayDigits(fromMs - 2 * DAY_MS);
}

function dayDigits(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10).replaceAll("-", "");
}

function lengthOf({ lengthMs }: ParsedEvent): number {
  return Math.min(lengthMs, LENGTH_MS_MAX);
}

/** One that does not come again is known by its UID alone, so that a new time is a change of it. */
function idOf(uid: string, { isRecurring }: ParsedEvent, start: Moment): string {
  return isRecurring ? `${uid}\n${start.ms}` : uid;
}

/** A day without a time stands for what happens on it. */
function matchKeys(moment: Moment | null): string[] {
  if (moment === null) return [];
  return moment.isDate ? moment.keys : moment.keys.slice(0, 1);
}

function newestOf(events: ParsedEvent[]): ParsedEvent[] {
  const byId = new Map<number | undefined, ParsedEvent>();
  for (const event of events.toSorted((a, b) => a.sequence - b.sequence))
    byId.set(event.recurrenceId?.ms, event);
  return [...byId.values()];
}

function occurrence(event: ParsedEvent, start: Moment, id: string): Occurrence {
  const { title, place, description, isCancelled } = event;
  const base = { id, title, place, description, isCancelled, isAllDay: start.isDate, startMs: start.ms };
  if (!start.isDate) return { ...base, endMs: start.ms + event.lengthMs };
  // A day has 23 hours or 25 where clocks change: its end is the midnight of that day.
  const days = Math.max(1, Math.round(event.lengthMs / DAY_MS));
  const end = new ICAL.Time({ ...start.wall, isDate: true }, ICAL.Timezone.localTimezone);
  end.adjust(days, 0, 0, 0);
  return { ...base, endMs: momentOf(end, event.clock).ms };
}
