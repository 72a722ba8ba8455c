import ICAL from "ical.js";
import { isTimezone } from "../../../config/fields.ts";
import { type ClockTime, instantIn } from "../../../lib/zone.ts";
import { ianaOfWindows } from "./windows-zones.ts";

/** The instant, in epoch milliseconds, at which the clocks of a zone show a time. */
export type ZoneClock = (wall: ClockTime) => number;

/** The zones of one calendar by their TZID; an unknown one is the agent's. */
export interface Zones {
  clockOf(tzid: string | null): ZoneClock;
  /** TZIDs that nothing explains. */
  unknown: ReadonlySet<string>;
}

/** What a VTIMEZONE may have: a change on a day of each year, since 1601 as Outlook writes it. */
const ZONE_LINE_MAX = 200;

/**
 * Times without a zone are the agent's. A TZID is an IANA name (also at the end of a path, as old programs write it), a name of
 * Windows, or what the file itself defines: in this order, since the definitions of files are often cut down to one year.
 */
export function zonesOf(defined: ReadonlyMap<string, string[]>, timezone: string): Zones {
  const clocks = new Map<string, ZoneClock>();
  const unknown = new Set<string>();
  const own: ZoneClock = (wall) => instantIn(timezone, wall);
  return {
    unknown,
    clockOf(tzid) {
      if (tzid === null) return own;
      const known = clocks.get(tzid);
      if (known !== undefined) return known;
      const name = ianaName(tzid);
      const clock =
        name === null ? definedClock(defined.get(tzid)) : (wall: ClockTime) => instantIn(name, wall);
      if (clock === null) unknown.add(tzid);
      clocks.set(tzid, clock ?? own);
      return clock ?? own;
    },
  };
}

function ianaName(tzid: string): string | null {
  const plain = tzid.replace(/^"|"$/g, "");
  const path = plain.split("/");
  const tails = [plain, path.slice(-2).join("/"), path.slice(-3).join("/")];
  // Offsets such as +01:00 are zones to the runtime, and `EST` is one without summer time: a name has a place.
  const found = tails.find(
    (name) => /^(?:[A-Za-z_]+\/[A-Za-z0-9_+/-]+|UTC|GMT)$/.test(name) && isTimezone(name),
  );
  return found ?? ianaOfWindows(plain) ?? null;
}

/** Null where the file does not define it, or so that it cannot be followed. */
function definedClock(lines: string[] | undefined): ZoneClock | null {
  if (lines === undefined || lines.length > ZONE_LINE_MAX) return null;
  // Changes of time come once a year; a rule of seconds would be a thousand years of them.
  if (
    lines.some(
      (line) => /^RRULE[;:]/i.test(line) && !/^RRULE[^:]*:(?!.*(?:INTERVAL|COUNT)).*FREQ=YEARLY/i.test(line),
    )
  )
    return null;
  if (lines.some((line) => /^DTSTART[;:]/i.test(line) && !/:(?:1[6-9]|20)\d\d/.test(line))) return null;
  try {
    const component = new ICAL.Component(
      ICAL.parse(["BEGIN:VTIMEZONE", ...lines, "END:VTIMEZONE"].join("\r\n")),
    );
    const zone = new ICAL.Timezone(component);
    return (wall) => {
      const offsetSeconds = zone.utcOffset(
        new ICAL.Time({ ...wall, isDate: false }, ICAL.Timezone.localTimezone),
      );
      const { year, month, day, hour, minute, second } = wall;
      return Date.UTC(year, month - 1, day, hour, minute, second) - offsetSeconds * 1_000;
    };
  } catch (error) {
    // The library says in many ways that a definition is none.
    if (error instanceof Error) return null;
    throw error;
  }
}
