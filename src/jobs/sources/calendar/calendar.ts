import { resolve } from "node:path";
import type { Egress } from "../../../egress/types.ts";
import { dayBounds, dayIn } from "../../../lib/days.ts";
import { DAY_MS } from "../../../lib/durations.ts";
import { oneLine, plural } from "../../../lib/text.ts";
import { shortHash } from "../../items/identity.ts";
import { ITEMS_PER_SOURCE_MAX, newestItems } from "../../items/item.ts";
import type { JobContext } from "../../job.ts";
import { decodeText } from "../decode.ts";
import { readFileBounded } from "../read-file.ts";
import { type Collected, SourceUnreadable } from "../source.ts";
import { type EventDay, eventItem } from "./event-item.ts";
import { splitIcs } from "./ics-blocks.ts";
import { byTime, findOccurrences } from "./occurrences.ts";
import { type CalendarSource, calendarAddress, calendarLabel } from "./settings.ts";
import { goneSince, readTold, toldId, writeTold } from "./told.ts";
import { zonesOf } from "./zones.ts";

const BYTES_MAX = 8 * 1024 * 1024;
const TITLE_CHARS_MAX = 120;
const ACCEPT = "text/calendar, */*;q=0.1";

type Context = Pick<JobContext, "base" | "signal" | "period" | "timezone" | "recall" | "keep"> & {
  egress: Pick<Egress, "fetch">;
};

/**
 * What takes place on the next days in the agent's zone, soonest first. An event is told of once on each day that a digest lists it; one
 * whose time or place is another than an earlier run found says so, and so does one that was cancelled or is gone.
 * @throws SourceUnreadable; and what `egress.fetch` throws.
 */
export async function collectCalendar(source: CalendarSource, context: Context): Promise<Collected> {
  const { timezone, period } = context;
  const { bytes, charset } = await readCalendar(source, context);
  const blocks = splitIcs(decodeText(bytes, charset));
  if (!blocks.isCalendar)
    throw new SourceUnreadable("it is no calendar: nothing in it begins with BEGIN:VCALENDAR");
  if (!blocks.isWhole) throw new SourceUnreadable("the calendar is cut off: END:VCALENDAR is missing");
  const today = dayIn(period.slotMs, timezone);
  const { fromMs, untilMs } = spanOf(today, source.days, timezone);
  const zones = zonesOf(blocks.zones, timezone);
  const found = findOccurrences(blocks.events, zones, { fromMs, untilMs });
  const key = `calendar:${shortHash(source.calendar)}`;
  const told = readTold(await context.recall(key));
  const taking = found.occurrences.filter(({ isCancelled }) => !isCancelled);
  const gone = goneSince(told, taking, { fromMs: period.slotMs, untilMs });
  const itemsMax = source.max_items ?? ITEMS_PER_SOURCE_MAX;
  const listed = [...taking, ...gone].toSorted(byTime).slice(0, itemsMax);
  context.keep(key, writeTold(taking.toSorted(byTime).slice(0, itemsMax)));
  const day: EventDay = { today, fromMs, timezone };
  const raws = listed.map((occurrence) => eventItem(occurrence, told.get(toldId(occurrence.id)), day));
  const items = newestItems(raws, calendarLabel(source), { itemsMax }).toSorted(
    (a, b) => (a.startsAt ?? 0) - (b.startsAt ?? 0),
  );
  const more = taking.length + gone.length - listed.length;
  const name = oneLine(blocks.name ?? "", TITLE_CHARS_MAX);
  return {
    ...(name !== "" && { title: name }),
    items,
    notes: [
      ...(more > 0 ? [`${plural(more, "later event")} left out (max_items can be raised)`] : []),
      ...notesOn(found, blocks.leftOut, zones.unknown),
    ],
  };
}

/** From the beginning of today, for so many days. */
function spanOf(today: string, days: number, timezone: string): { fromMs: number; untilMs: number } {
  const last = new Date(Date.parse(`${today}T00:00:00Z`) + (days - 1) * DAY_MS).toISOString().slice(0, 10);
  return { fromMs: dayBounds(today, timezone).fromMs, untilMs: dayBounds(last, timezone).untilMs };
}

async function readCalendar(
  source: CalendarSource,
  context: Context,
): Promise<{ bytes: Uint8Array; charset?: string | null }> {
  const bytesMax = source.max_bytes ?? BYTES_MAX;
  const address = calendarAddress(source);
  if (address === null) {
    return await readFileBounded(resolve(context.base, source.calendar), { bytesMax, followLinks: true });
  }
  const page = await context.egress.fetch(address, {
    signal: context.signal,
    accept: ACCEPT,
    bytesMax,
    isApi: true,
  });
  if (!page.fromCache && (page.status < 200 || page.status > 299))
    throw new SourceUnreadable(`${URL.parse(address)?.host} answered ${page.status}`);
  return { bytes: page.body, charset: page.charset };
}

function notesOn(
  { unfollowed, unreadable }: { unfollowed: string[]; unreadable: number },
  leftOut: number,
  unknown: ReadonlySet<string>,
): string[] {
  const titles = unfollowed.map((title) => JSON.stringify(oneLine(title, 60))).join(", ");
  const zones = [...unknown].slice(0, 5).map((zone) => JSON.stringify(oneLine(zone, 60)));
  return [
    ...(unreadable > 0 ? [`${plural(unreadable, "event")} could not be read`] : []),
    ...(leftOut > 0 ? [`${plural(leftOut, "event")} left out, as they are too large or too many`] : []),
    ...(unfollowed.length > 0 ? [`rules of recurring events that cannot be followed: ${titles}`] : []),
    ...(zones.length > 0 ? [`unknown time zones are taken for the agent's own: ${zones.join(", ")}`] : []),
  ];
}
