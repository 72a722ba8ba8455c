import { parseDate } from "../../../lib/dates.ts";

/** From the worst on, as syslog numbers them (RFC 5424); `critical` has the two before it. */
export const LEVELS = ["critical", "error", "warning", "notice", "info", "debug"] as const;
/** One of them. */
export type Level = (typeof LEVELS)[number];

/** A line of a log, whichever it comes from. */
export interface LogLine {
  text: string;
  level: Level;
  /** UTC epoch milliseconds; null when the line does not say. */
  timeMs: number | null;
}

/** Of a line: where its level and its time are looked for. */
const HEAD_CHARS = 300;

const WORDS: [RegExp, Level][] = [
  [/\b(?:emerg(?:ency)?|alert|crit(?:ical)?|fatal|panic)\b/i, "critical"],
  [/\b(?:error|err|severe|exception|failed|failure)\b|^E\d{4} /i, "error"],
  [/\b(?:warn|warning)\b|^W\d{4} /i, "warning"],
  [/\bnotice\b/i, "notice"],
  [/\b(?:debug|trace|verbose)\b/i, "debug"],
];

/** The level of a line that has no field for it: what it says first, at the beginning. JSON of pino has numbers. */
export function levelOf(text: string): Level {
  const head = text.slice(0, HEAD_CHARS);
  const numbered = /"level":(\d{2})\b/.exec(head)?.[1];
  if (numbered !== undefined) return PINO[numbered] ?? "info";
  const stated = /"(?:level|severity|lvl)":\s?"(\w{3,12})"|\blevel=(\w{3,12})/i.exec(head);
  const searched = stated?.[1] ?? stated?.[2] ?? head;
  return WORDS.find(([pattern]) => pattern.test(searched))?.[1] ?? "info";
}

const PINO: Record<string, Level> = {
  10: "debug",
  20: "debug",
  30: "info",
  40: "warning",
  50: "error",
  60: "critical",
};

/** The level of a number of syslog. */
export function levelOfPriority(priority: number): Level {
  if (priority <= 2) return "critical";
  return LEVELS[priority - 2] ?? "info";
}

/** Whether a level is as bad as another, or worse. */
export function isAtLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(least);
}

const INSTANT = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?/;
const COMMON_LOG = /\d{1,2}\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?/;
const SYSLOG = /^(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d) (\d\d:\d\d:\d\d)/;

/** When a line was written, by what stands at its beginning; without a zone it is UTC, and without a year the last that it can be. */
export function timeOf(text: string, nowMs: number): number | null {
  const head = text.slice(0, HEAD_CHARS);
  const instant = INSTANT.exec(head)?.[0];
  if (instant !== undefined) return parseDate(instant.replace(" ", "T").replace(",", "."));
  const common = COMMON_LOG.exec(head)?.[0];
  if (common !== undefined) return parseDate(common.replaceAll("/", " ").replace(":", " "));
  const [, day, time] = SYSLOG.exec(head) ?? [];
  if (day === undefined) return null;
  const year = new Date(nowMs).getUTCFullYear();
  const thisYear = parseDate(`${day.replace("  ", " ")} ${year} ${time}`);
  return thisYear !== null && thisYear > nowMs + 86_400_000
    ? parseDate(`${day.replace("  ", " ")} ${year - 1} ${time}`)
    : thisYear;
}

const PATTERN_CHARS_MAX = 300;
/** Times first, then ids, then whatever else has digits; each takes time in proportion to the line. */
const MASKS: [RegExp, string][] = [
  [new RegExp(`${INSTANT.source}|${COMMON_LOG.source}`, "g"), "<time>"],
  [/^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?/, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "#"],
  [/\b0x[0-9a-f]+\b/gi, "#"],
  [/\b(?=[a-f]*\d)[0-9a-f]{6,}\b/gi, "#"],
  [/\b(?=[A-Za-z_]{0,64}\d)[A-Za-z0-9_]{16,}\b/g, "#"],
  [/\d+(?:[.,:]\d+)*/g, "#"],
];

/** What lines that differ in numbers, times and ids alone have in common. */
export function patternOf(text: string): string {
  const masked = MASKS.reduce(
    (line, [mask, word]) => line.replace(mask, word),
    text.slice(0, 2 * PATTERN_CHARS_MAX),
  );
  return masked.replace(/\s+/g, " ").trim().slice(0, PATTERN_CHARS_MAX);
}
