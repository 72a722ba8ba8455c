import * as v from "valibot";
import { clip } from "../../../lib/text.ts";
import { shortHash } from "../../items/identity.ts";
import type { Occurrence } from "./occurrences.ts";
import type { Span } from "./recurrence.ts";

/** What an earlier run found of an event. Instants are epoch milliseconds. */
export interface Told {
  title: string;
  place: string;
  isAllDay: boolean;
  startMs: number;
  endMs: number;
}

const TEXT_CHARS_MAX = 100;
const KEPT_CHARS_MAX = 200_000;

const schema = v.array(v.tuple([v.string(), v.string(), v.string(), v.boolean(), v.number(), v.number()]));

/** By `toldId`; empty where nothing was kept. */
export function readTold(kept: string | null): Map<string, Told> {
  const read = kept === null ? null : v.safeParse(v.pipe(v.string(), v.parseJson(), schema), kept);
  const rows = read?.success ? read.output : [];
  return new Map(
    rows.map(([id, title, place, isAllDay, startMs, endMs]) => [
      id,
      { title, place, isAllDay, startMs, endMs },
    ]),
  );
}

/** As `JobContext.keep` takes it: what does not fit is not compared next time. */
export function writeTold(occurrences: readonly Occurrence[]): string {
  const rows = occurrences.map(({ id, title, place, isAllDay, startMs, endMs }) =>
    JSON.stringify([
      toldId(id),
      clip(title, TEXT_CHARS_MAX),
      clip(place, TEXT_CHARS_MAX),
      isAllDay,
      startMs,
      endMs,
    ]),
  );
  let chars = 2;
  const kept = rows.filter((row) => {
    chars += row.length + 1;
    return chars <= KEPT_CHARS_MAX;
  });
  return `[${kept.join(",")}]`;
}

/** The id under which an occurrence is kept. */
export function toldId(id: string): string {
  return shortHash(id);
}

/** Events that an earlier run found within a span, and that do not take place there any more: cancelled, or gone from the calendar. */
export function goneSince(
  told: ReadonlyMap<string, Told>,
  taking: readonly Occurrence[],
  span: Span,
): (Occurrence & { isCancelled: true })[] {
  const there = new Set(taking.map(({ id }) => toldId(id)));
  return [...told]
    .filter(([id, { startMs }]) => !there.has(id) && startMs >= span.fromMs && startMs < span.untilMs)
    .map(([id, event]) => ({ ...event, id, description: "", isCancelled: true }));
}
