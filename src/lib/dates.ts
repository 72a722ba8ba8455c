import { monthOf, plainWord, zoneMinutes } from "./date-words.ts";
import { DAY_MS, MINUTE_MS } from "./durations.ts";
import { instantIn } from "./zone.ts";

/** Of a date; longer texts are none. */
const DATE_CHARS_MAX = 120;
const FAR_FUTURE_MS = Date.UTC(9999, 0, 1);
/** Korean dates name no zone, and all of Korea has one. */
const KOREAN_MINUTES = 9 * 60;

interface Day {
  year: number;
  month: number;
  day: number;
}

/** `zone` is minutes east of UTC or the name of a time zone. */
interface Time {
  ms: number;
  zone: number | string;
  /** What is left of the text: the day. */
  rest: string;
}

/**
 * An instant from what feeds and mails write for one, in epoch milliseconds: RFC 5322 with comments and obsolete zones, ISO 8601,
 * months in some thirty languages, seconds and milliseconds of the epoch, AM and PM, two-digit years. Never by the zone of the machine: one that is
 * missing or unknown is UTC. `3/11/2026` is the 11th of March, as most programs that write slashes mean it. Null for
 * anything else, for what no calendar has, and for times up to the first second of 1970.
 */
export function parseDate(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed.length > DATE_CHARS_MAX) return null;
  const plain = plainWord(withoutComments(trimmed))
    .replace(/[−–—]/g, "-")
    .trim()
    // 10時25分, and 10.25.00 behind a year; a day is never written so there.
    .replace(/(\d{1,2}) ?[時时시] ?(\d{1,2}) ?[分분](?: ?(\d{1,2}) ?[秒초])?/, (_, ...parts) =>
      clockOf(parts),
    )
    .replace(/(?<=\d{4}[, ]+(?:\p{L}+\.? )?)(\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?![\d.])/u, (_, ...parts) =>
      clockOf(parts),
    )
    // The day in a zone, and the digits of an instant without anything between.
    .replace(/^(\d{4}-\d{2}-\d{2})(?=[+-]\d{2}:?\d{2}$)/, "$1t00:00")
    .replace(/^((?:19|20)\d{6})(?=(?:\d{4}|\d{6})$)/, "$1t");
  const ms = instantOfCount(plain) ?? instantOfText(plain);
  // The first instant of the epoch is what programs write for none.
  return ms !== null && ms > 0 && ms < FAR_FUTURE_MS ? ms : null;
}

function clockOf(parts: unknown[]): string {
  return parts
    .slice(0, 3)
    .filter((part) => part !== undefined)
    .join(":");
}

/** RFC 5322, section 3.2.2: `(CEST)`, one within another too, and `\)` ends none. Each stands for a space. */
function withoutComments(text: string): string {
  let depth = 0;
  let kept = "";
  for (const [token] of text.matchAll(/\\.|./gsu)) {
    if (token === "(") depth++;
    if (depth === 0) kept += token;
    if (token !== ")" || depth === 0) continue;
    depth--;
    kept += " ";
  }
  return kept;
}

/** Seconds of the epoch, or thousandths, millionths or billionths of one: as many digits as the years from 1973 to 2286 have. */
function instantOfCount(text: string): number | null {
  const [, whole = "", fraction = ""] = /^(\d{9,19})(\.\d{1,9})?$/.exec(text) ?? [];
  if (whole.length === 9 || whole.length === 10) return Math.floor(Number(whole + fraction) * 1_000);
  if (whole.length === 13) return Number(whole);
  if (whole.length === 16) return Math.floor(Number(whole) / 1_000);
  return whole.length === 19 ? Math.floor(Number(whole) / 1_000_000) : null;
}

function instantOfText(text: string): number | null {
  const time = readTime(text);
  if (time === null) return null;
  const day = readDay(time.rest, time.ms < 0);
  if (day === null) return null;
  const { year, month, day: date } = day;
  const ms = Date.UTC(year, month - 1, date);
  if (year < 100 || month < 1 || month > 12 || new Date(ms).getUTCDate() !== date) return null;
  const wallMs = ms + Math.max(0, time.ms);
  if (typeof time.zone === "number") return wallMs - time.zone * MINUTE_MS;
  return inNamedZone(wallMs, time.zone) ?? wallMs;
}

const CLOCK =
  /(?<![\d:])(\d{1,2})(?:[:h](\d{1,2})(?::(\d{1,2})(?:[.,]\d{1,9})?)?|(?= ?[ap]\.?m))(?![\d:])|(?<=\d)t(\d{2})(?:(\d{2})(\d{2})?)?(?:[.,]\d{1,9})?(?![\d:])/;
const AFTERNOON = /^ ?p\.?m\b\.?|^ ?μ\.?μ\b\.?/;
const MORNING = /^ ?a\.?m\b\.?|^ ?π\.?μ\b\.?/;
const ASIAN_AFTERNOON = /(?:오후|午後|下午) ?$/;
const ASIAN_MORNING = /(?:오전|午前|上午) ?$/;

/** The time of day, -1 ms where there is none. Null for one that no clock shows. */
function readTime(text: string): Time | null {
  const isKorean = /[가-힣]/.test(text);
  const match = CLOCK.exec(text);
  // A `T` or a colon that begins no time has something else behind it than a time, and the whole is not to be trusted.
  if (match === null) return /\dt\d|\d:|:\d/.test(text) ? null : { ms: -1, zone: 0, rest: text };
  const hour = Number(match[1] ?? match[4]);
  const minute = Number(match[2] ?? match[5] ?? 0);
  const second = Number(match[3] ?? match[6] ?? 0);
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  const isAfternoon = AFTERNOON.test(after) || ASIAN_AFTERNOON.test(before);
  const isMorning = MORNING.test(after) || ASIAN_MORNING.test(before);
  const hours = isAfternoon && hour < 12 ? hour + 12 : isMorning && hour === 12 ? 0 : hour;
  if (minute > 59 || second > 60 || hours > 24 || (hours === 24 && minute + second > 0)) return null;
  const zone = readZone(after.replace(AFTERNOON, "").replace(MORNING, ""));
  if (zone === null) return null;
  const ms = (hours * 3600 + minute * 60 + Math.min(second, 59)) * 1_000;
  const rest = `${before.replace(/t$/, "")} ${zone.rest}`;
  return { ms, zone: zone.zone ?? (isKorean ? KOREAN_MINUTES : 0), rest };
}

/** What stands behind the time. An unknown name is no zone; an offset that is no number makes all of it unreadable. */
function readZone(text: string): { zone: number | string | null; rest: string } | null {
  if (/^[\s,]*(?:[a-z]{1,5} ?)?[+-](?:\d{1,2}:)?[a-z]/.test(text)) return null;
  const offset = /^[\s,]*(?:[a-z]{1,5} ?)?([+-])(\d{1,2}):?(\d{2})?(?!\d|[a-z]{2})z?/.exec(text);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    // The earth has no others; such an offset is a mistake.
    const isPossible = minutes <= (offset[1] === "-" ? 12 : 14) * 60;
    const zone = isPossible ? (offset[1] === "-" ? -minutes : minutes) : 0;
    return { zone, rest: text.slice(offset[0].length) };
  }
  const [match, name = ""] = /^[\s,]*\[?([a-z]+(?:\/[a-z0-9_+-]+){0,2})/.exec(text) ?? [];
  if (match === undefined) {
    return /^[+-]?\d/.test(text) ? null : { zone: null, rest: text };
  }
  const rest = text.slice(match.length);
  if (name.includes("/")) return { zone: name, rest };
  const minutes = zoneMinutes(name);
  // A single letter had no meaning that programs agreed on (RFC 5322, section 4.3).
  return minutes === null && name.length > 1 ? { zone: null, rest: text } : { zone: minutes ?? 0, rest };
}

/** Null for a name that is no time zone. */
function inNamedZone(wallMs: number, name: string): number | null {
  const at = new Date(wallMs);
  try {
    return instantIn(name, {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
    });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A day in one of the forms below, the most certain first; `isAlone` when no time stands beside it. */
function readDay(text: string, isAlone: boolean): Day | null {
  const asian = text.replace(/[년年월月] ?/g, "-").replace(/[일日]/g, " ");
  return (
    threeNumbers(asian) ??
    weekOrOrdinal(text) ??
    namedMonth(text, isAlone) ??
    digitsAlone(text) ??
    (isAlone ? yearAndMonth(asian) : null)
  );
}

/** 2026-11-03, 3.11.2026, 11/3/26, 03 11 2026; two digits alone come as in ISO 8601 with dashes and as people write them without. */
function threeNumbers(text: string): Day | null {
  const match = /(?<![\d./-])(\d{1,4})( ?[./-] ?| )(\d{1,3})\2(\d{1,4})(?!\d| ?[./-] ?\d)/.exec(text);
  if (match === null) return null;
  const [, first = "", separator = "", second = "", third = ""] = match;
  const [a, b, c] = [Number(first), Number(second), Number(third)];
  if (first.length === 4) return { year: a, month: b, day: c };
  if (first.length === 3 || third.length === 3 || third.length === 1) return null;
  if (separator.includes("-") && third.length === 2 && b <= 12)
    return { year: fullYear(first), month: b, day: c };
  const isMonthFirst = separator.includes("/") ? a <= 12 : b > 12;
  return isMonthFirst
    ? { year: fullYear(third), month: a, day: b }
    : { year: fullYear(third), month: b, day: a };
}

/** ISO 8601: 2026-W45-2, 2026W45, 2026-307, 2026307, 26307. */
function weekOrOrdinal(text: string): Day | null {
  const week = /(?<!\d)(\d{4})-?w(\d{2})(?:-?([1-7]))?(?!\d)/.exec(text);
  if (week !== null) {
    const [, year, number, weekday = "1"] = week;
    // The 4th of January is in the first week, whose days count from Monday.
    const fourth = Date.UTC(Number(year), 0, 4);
    const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS;
    return dayAt(monday + ((Number(number) - 1) * 7 + Number(weekday) - 1) * DAY_MS);
  }
  const ordinal = /^\s*(?:(\d{4})-?|(\d{2}))(\d{3})\s*$/.exec(text);
  if (ordinal === null || Number(ordinal[3]) < 1 || Number(ordinal[3]) > 366) return null;
  const year = ordinal[1] === undefined ? fullYear(ordinal[2] ?? "") : Number(ordinal[1]);
  return dayAt(Date.UTC(year, 0, Number(ordinal[3])));
}

/** 3 Nov 2026, November 3rd, 2026, 2026 nov. 3; of several such words the last: «mar., 3 mars 2026». */
function namedMonth(text: string, isAlone: boolean): Day | null {
  const words = text.match(/\p{L}+/gu) ?? [];
  const month = words.map(monthOf).findLast((found) => found !== null);
  if (month === undefined || month === null) return null;
  const [first, second] = text.match(/\d+/g) ?? [];
  if (first === undefined) return null;
  if (second === undefined) {
    const isYear = isAlone && first.length === 4;
    return isYear ? { year: Number(first), month, day: 1 } : null;
  }
  const isYearFirst = first.length > 2;
  const [year, day] = isYearFirst ? [first, second] : [second, first];
  return { year: fullYear(year), month, day: Number(day) };
}

/** 20261103, 261103. */
function digitsAlone(text: string): Day | null {
  const match = /^\s*(\d{4}|\d{2})(\d{2})(\d{2})\s*$/.exec(text);
  if (match === null) return null;
  const [, year = "", month, day] = match;
  return { year: fullYear(year), month: Number(month), day: Number(day) };
}

/** 2026-11, 2026; -26-11 and -2611 with two digits. */
function yearAndMonth(text: string): Day | null {
  const match = /^(?:(\d{4})(?:[-/.](\d{1,2}))?|-(\d{2})-?(\d{2}))-?$/.exec(text.trim());
  if (match === null) return null;
  const month = Number(match[2] ?? match[4] ?? 1);
  return { year: fullYear(match[1] ?? match[3] ?? ""), month, day: 1 };
}

/** RFC 5322, section 4.3: two digits are of this century up to 49, three count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 3) return 1900 + year;
  return digits.length === 2 ? (year < 50 ? 2000 : 1900) + year : year;
}

function dayAt(ms: number): Day {
  const at = new Date(ms);
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
}
