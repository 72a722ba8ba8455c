import { DAY_MS } from "./durations.ts";

/** The wall clock of a time zone at an instant; months and days count from 1. */
interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** `Sat` */
  weekday: string;
}

/** The same without the day of the week. */
export type ClockTime = Omit<WallTime, "weekday">;

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall of a time zone shows at an instant. */
export function wallTime(ms: number, timezone: string): WallTime {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(timezone, format);
  }
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
  return {
    year: number("year"),
    month: number("month"),
    day: number("day"),
    hour: number("hour"),
    minute: number("minute"),
    second: number("second"),
    weekday: parts.get("weekday") ?? "",
  };
}

/**
 * The instant at which a time zone's wall clock shows this time. One that it skips in spring is taken for the one
 * after the gap; one that it shows twice in autumn for the first.
 */
export function instantIn(timezone: string, time: ClockTime): number {
  const asUtc = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
  // The offset a day before and a day after are the two that there can be around a change.
  const candidates = [-DAY_MS, DAY_MS].map((ms) => asUtc - offsetMs(asUtc + ms, timezone));
  const exact = candidates.filter((ms) => ms + offsetMs(ms, timezone) === asUtc);
  return exact.length > 0 ? Math.min(...exact) : Math.max(...candidates);
}

function offsetMs(ms: number, timezone: string): number {
  const { year, month, day, hour, minute, second } = wallTime(ms, timezone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/** `14:05:09` in a time zone. */
export function timeText(ms: number, timezone: string): string {
  const { hour, minute, second } = wallTime(ms, timezone);
  return [hour, minute, second].map(twoDigits).join(":");
}

/** `Sat 21 Nov 14:05` in a time zone: for people, who know the year. */
export function momentText(ms: number, timezone: string): string {
  const { weekday, day, month, hour, minute } = wallTime(ms, timezone);
  return `${weekday} ${day} ${MONTHS[month - 1] ?? ""} ${twoDigits(hour)}:${twoDigits(minute)}`;
}

/** `21 Nov 14:05` in a time zone, `21 Nov 2025` of another year than that of `nowMs`: what tables have room for. */
export function shortMomentText(ms: number, timezone: string, nowMs: number): string {
  const { year, day, month, hour, minute } = wallTime(ms, timezone);
  const time = year === wallTime(nowMs, timezone).year ? `${twoDigits(hour)}:${twoDigits(minute)}` : year;
  return `${day} ${MONTHS[month - 1] ?? ""} ${time}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
