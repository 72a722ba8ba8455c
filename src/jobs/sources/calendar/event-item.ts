import { dayIn } from "../../../lib/days.ts";
import { oneLine } from "../../../lib/text.ts";
import { momentText, timeText } from "../../../lib/zone.ts";
import { shortHash } from "../../items/identity.ts";
import type { RawItem } from "../../items/item.ts";
import { htmlToText } from "../html-text.ts";
import type { Occurrence } from "./occurrences.ts";
import type { Told } from "./told.ts";

/** The day for which events are listed. */
export interface EventDay {
  /** `2026-11-21` */
  today: string;
  /** Its first instant. */
  fromMs: number;
  timezone: string;
}

const TITLE_CHARS_MAX = 110;
const PLACE_CHARS_MAX = 60;
const TEXT_CHARS_MAX = 4_000;

/**
 * An event as an item. Its id has the day of the digest in it, so that today's brief lists what yesterday's listed for tomorrow, and what
 * it says, so that one that changes during the day is told of again; the same twice on a day is not.
 */
export function eventItem(occurrence: Occurrence, told: Told | undefined, day: EventDay): RawItem {
  const { id, title, description, isCancelled, startMs, endMs, isAllDay } = occurrence;
  const name = oneLine(title, TITLE_CHARS_MAX) || "(no title)";
  const place = placeOf(occurrence);
  const says = [id, day.today, name, place, isAllDay, startMs, endMs, isCancelled].join("\n");
  const remark = isCancelled ? "cancelled, or moved to another day" : changeOf(occurrence, told, day);
  const where = place === "" ? "" : `, ${place}`;
  return {
    id: `event:${shortHash(says)}`,
    title: `${timeOf(occurrence, day)} ${name}${where}${remark === null ? "" : ` (${remark})`}`,
    text: textOf(occurrence, description),
    publishedAt: Math.max(startMs, day.fromMs),
    startsAt: Math.max(startMs, day.fromMs),
  };
}

/** An address is for a click, and no place to go to; it stands in the text. */
function placeOf({ place }: Pick<Occurrence, "place">): string {
  const plain = oneLine(place, PLACE_CHARS_MAX);
  return /^\w+:\/\//.test(plain) ? "" : plain;
}

function textOf({ place }: Occurrence, description: string): string {
  const isHtml = /<(?:br|p|html|div|a|span|ul)\b[^<>]*>/i.test(description);
  const plain = isHtml ? htmlToText(description, TEXT_CHARS_MAX) : description.slice(0, TEXT_CHARS_MAX);
  return [placeOf({ place }) === "" ? place : "", plain].filter((part) => part.trim() !== "").join("\n\n");
}

/** `09:30–10:00`, `All day`, `Sun 22 Nov 09:30–10:00`, `Until 17:00`; times in the agent's zone. */
function timeOf(
  { isAllDay, startMs, endMs }: Pick<Occurrence, "isAllDay" | "startMs" | "endMs">,
  { today, fromMs, timezone }: EventDay,
): string {
  const dayOf = (ms: number) => momentText(ms, timezone).replace(/ \d\d:\d\d$/, "");
  const clock = (ms: number) => timeText(ms, timezone).slice(0, 5);
  const startDay = dayIn(startMs, timezone);
  const lastMs = Math.max(startMs, endMs - 1);
  const lastDay = dayIn(lastMs, timezone);
  const begins = startMs < fromMs || startDay === today ? "" : `${dayOf(startMs)} `;
  if (isAllDay) {
    const until = lastDay === startDay || lastDay <= today ? "" : ` until ${dayOf(lastMs)}`;
    return begins === "" ? `All day${until}:` : `${begins.trim()}${until}, all day:`;
  }
  const end = lastDay === (startMs < fromMs ? today : startDay) ? clock(endMs) : momentText(endMs, timezone);
  if (startMs < fromMs) return `Until ${end}`;
  return endMs <= startMs ? `${begins}${clock(startMs)}` : `${begins}${clock(startMs)}–${end}`;
}

/** What is other than an earlier run found; null where that is nothing, or the event is new. */
function changeOf(occurrence: Occurrence, told: Told | undefined, day: EventDay): string | null {
  if (told === undefined) return null;
  const isSameTime =
    told.startMs === occurrence.startMs &&
    told.endMs === occurrence.endMs &&
    told.isAllDay === occurrence.isAllDay;
  const was = [
    ...(isSameTime ? [] : [timeOf(told, day).replace(/:$/, "").replace(/^All/, "all")]),
    ...(placeOf(told) === placeOf(occurrence) || placeOf(told) === "" ? [] : [`at ${placeOf(told)}`]),
  ];
  return was.length === 0 ? null : `changed, was ${was.join(" ")}`;
}
