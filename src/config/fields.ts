import * as v from "valibot";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../lib/durations.ts";
import { assert } from "../lib/errors.ts";

/*
 * The kinds of value in afk.yaml. A `write` text says what to write instead of whatever is wrong, and begins
 * with "write"; parse.ts puts in front of it what was found. Each builder gives the same text to all its checks,
 * so that one fault is one message.
 */

/** A mapping with these keys and no others. */
export function section<const Entries extends v.ObjectEntries>(description: string, entries: Entries) {
  const write = `write a section with the keys ${Object.keys(entries).join(", ")}`;
  return v.pipe(v.strictObject(entries, write), v.description(description));
}

/** Where in a section, or list, a check of the whole has found something. */
export function pathTo(input: object, ...keys: (string | number)[]): [v.IssuePathItem, ...v.IssuePathItem[]] {
  const items = keys.map((key) => ({ type: "object", origin: "value", input, key, value: undefined }));
  return items as unknown as [v.IssuePathItem, ...v.IssuePathItem[]];
}

/** A text that matches `pattern`; `write` says what to write instead of what was found. */
export function text(description: string, write: string, pattern: RegExp, lengthMax = 200) {
  return v.pipe(
    v.string(write),
    v.maxLength(lengthMax, write),
    v.regex(pattern, write),
    v.description(description),
  );
}

/** The least and the most that a number may be. */
type Limits = readonly [least: number, most: number];

/** A number within the limits; `write` says what to write instead of what was found. */
export function number(description: string, write: string, [least, most]: Limits) {
  return v.pipe(
    v.number(write),
    v.minValue(least, write),
    v.maxValue(most, write),
    v.description(description),
  );
}

/** A whole number within the limits; `what` names it in the message. */
export function integer(description: string, what: string, [least, most]: Limits) {
  const write = `write ${what}: a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number(write),
    v.integer(write),
    v.minValue(least, write),
    v.maxValue(most, write),
    v.description(description),
  );
}

/** True or false. */
export function flag(description: string) {
  return v.pipe(v.boolean("write true or false"), v.description(description));
}

/** From one to `lengthMax` items. */
export function list<const Item extends v.GenericSchema>(
  description: string,
  write: string,
  item: Item,
  lengthMax: number,
) {
  return v.pipe(
    v.array(item, write),
    v.minLength(1, write),
    v.maxLength(lengthMax, write),
    v.description(description),
  );
}

/** Minutes that a unit of output saves. */
export function minutes(description: string) {
  return number(description, "write minutes, for example 30", [0, 10_000]);
}

/** A cap: dollars, 0 allowed. A million a day is more than any agent of one person should be trusted with. */
export function usd(description: string, what: string, example: string) {
  const write = `write ${what}, in US dollars, for example ${example} (0 = spend nothing)`;
  return number(description, write, [0, USD_MAX]);
}

/** The most that a cap in dollars may be. */
export const USD_MAX = 1_000_000;

/** Text such as `1h30m` in, milliseconds out. `longest` is a duration itself. */
export function duration(description: string, longest: string) {
  const write = `write a duration with its unit, for example 90s, 5m, 4h, 2d or 1h30m; not 0 and at most ${longest}`;
  const longestMs = checkedDurationMs(longest);
  return v.pipe(
    v.string(write),
    v.regex(DURATION_PATTERN, write),
    v.check((value) => (durationMs(value) ?? Number.POSITIVE_INFINITY) <= longestMs, write),
    v.description(description),
    v.transform(checkedDurationMs),
  );
}

/** An absolute http or https address. User names and passwords in addresses are refused, as fetch refuses them. */
export function url(description: string, example: string) {
  const write = `write a whole address that begins with https:// or http://, for example ${example}, without user name or password`;
  return v.pipe(
    v.string(write),
    v.maxLength(2000, write),
    v.regex(/^https?:\/\/[^\s/?#@]+(?:[/?#]\S*)?$/, write),
    v.check(URL.canParse, write),
    v.description(description),
  );
}

/** `90s`, `5m`, `4h`, `2d` or a combination from large to small such as `1h30m`; not zero. */
const DURATION_PATTERN = /^(?=.*[1-9])(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/;

/** Milliseconds of a duration, or null when the text is none. */
export function durationMs(text: string): number | null {
  if (!DURATION_PATTERN.test(text)) return null;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([dhms])/g)) {
    totalMs += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return Number.isSafeInteger(totalMs) ? totalMs : null;
}

/** As `durationMs`, for text that has been checked. */
function checkedDurationMs(text: string): number {
  const ms = durationMs(text);
  assert(ms !== null, `a duration of ${text}`);
  return ms;
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** A zone of the time zone database. */
export function timezone() {
  const write = "write a time zone of the IANA database, for example Europe/Berlin or UTC";
  return v.pipe(
    v.string(write),
    v.nonEmpty(write),
    v.check(isTimezone, write),
    v.description(
      "IANA time zone of days, months and schedules. A day or a month that is open keeps its end.",
    ),
  );
}

/** Whether the runtime's time zone database has the zone. */
export function isTimezone(name: string): boolean {
  if (name === "UTC") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
