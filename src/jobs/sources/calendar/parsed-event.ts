import ICAL from "ical.js";
import { DAY_MS } from "../../../lib/durations.ts";
import type { ClockTime } from "../../../lib/zone.ts";
import type { ZoneClock, Zones } from "./zones.ts";

/** A time of an event. */
export interface Moment {
  /** A day, and no time of it. */
  isDate: boolean;
  isUtc: boolean;
  wall: ClockTime;
  /** Epoch milliseconds; of a day its first. */
  ms: number;
  /** By which a recurrence is recognised: the instant, and the day on the wall, as some programs write it. */
  keys: string[];
}

/** An event as its file has it. */
export interface ParsedEvent {
  uid: string;
  title: string;
  place: string;
  description: string;
  start: Moment;
  lengthMs: number;
  clock: ZoneClock;
  isCancelled: boolean;
  isRecurring: boolean;
  sequence: number;
  /** Which occurrence of a series it stands for. */
  recurrenceId: Moment | null;
  rules: ICAL.Recur[];
  /** Further starts, and those that do not take place: keys of moments. */
  extra: Moment[];
  excluded: ReadonlySet<string>;
}

const DATES_MAX = 4_000;
const LENGTH_MS_MAX = 3_650 * DAY_MS;

/** Null for lines that are no event: without a start, or with one that is no time. */
export function parseEvent(lines: readonly string[], zones: Zones): ParsedEvent | null {
  try {
    const component = new ICAL.Component(ICAL.parse(["BEGIN:VEVENT", ...lines, "END:VEVENT"].join("\r\n")));
    return read(component, zones);
  } catch (error) {
    // The library says in many ways that a value is none.
    if (error instanceof Error) return null;
    throw error;
  }
}

function read(component: ICAL.Component, zones: Zones): ParsedEvent | null {
  const [start] = momentsOf(component, "dtstart", zones);
  if (start === undefined) return null;
  const text = (name: string) => String(component.getFirstPropertyValue(name) ?? "");
  const [end] = momentsOf(component, "dtend", zones);
  const [recurrenceId] = momentsOf(component, "recurrence-id", zones);
  const rules = component.getAllProperties("rrule").flatMap((property) => {
    const rule = property.getFirstValue();
    return rule instanceof ICAL.Recur ? rule : [];
  });
  const extra = momentsOf(component, "rdate", zones);
  const excluded = momentsOf(component, "exdate", zones);
  return {
    uid: text("uid") || `${text("summary")}\n${start.ms}`,
    title: text("summary"),
    place: text("location"),
    description: text("description"),
    start,
    lengthMs: Math.min(LENGTH_MS_MAX, lengthOf(component, start, end)),
    clock: zones.clockOf(zoneOf(component.getFirstProperty("dtstart"))),
    isCancelled: /^cancelled$/i.test(text("status")),
    isRecurring: rules.length > 0 || extra.length > 0,
    sequence: Number(text("sequence")) || 0,
    recurrenceId: recurrenceId ?? null,
    rules,
    extra,
    // A day without a time takes out what happens on it, however late.
    excluded: new Set(excluded.flatMap(({ isDate, keys }) => (isDate ? keys : keys.slice(0, 1)))),
  };
}

function lengthOf(component: ICAL.Component, start: Moment, end: Moment | undefined): number {
  const duration = component.getFirstPropertyValue("duration");
  if (duration instanceof ICAL.Duration) return Math.max(0, duration.toSeconds() * 1_000);
  if (end !== undefined) return Math.max(0, end.ms - start.ms);
  return start.isDate ? DAY_MS : 0;
}

/** All times of the properties of one name; periods by their start. */
function momentsOf(component: ICAL.Component, name: string, zones: Zones): Moment[] {
  const moments: Moment[] = [];
  for (const property of component.getAllProperties(name)) {
    const clock = zones.clockOf(zoneOf(property));
    for (const value of property.getValues()) {
      const time = value instanceof ICAL.Period ? value.start : value;
      if (time instanceof ICAL.Time && moments.length < DATES_MAX) moments.push(momentOf(time, clock));
    }
  }
  return moments;
}

function zoneOf(property: ICAL.Property | null): string | null {
  const tzid = property?.getParameter("tzid");
  return typeof tzid === "string" && tzid !== "" ? tzid : null;
}

/** The instant of a time, in UTC where it says so, else on the wall of its zone. */
export function momentOf(time: ICAL.Time, clock: ZoneClock): Moment {
  const { year, month, day, isDate } = time;
  const wall = isDate
    ? { year, month, day, hour: 0, minute: 0, second: 0 }
    : { year, month, day, hour: time.hour, minute: time.minute, second: time.second };
  const isUtc = !isDate && time.zone === ICAL.Timezone.utcTimezone;
  const ms = isUtc ? Date.UTC(year, month - 1, day, wall.hour, wall.minute, wall.second) : clock(wall);
  if (!Number.isFinite(ms)) throw new Error("a time that is none");
  return { isDate, isUtc, wall, ms, keys: [`at ${ms}`, `on ${year}-${month}-${day}`] };
}
