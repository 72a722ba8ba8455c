import ICAL from "ical.js";
import { DAY_MS } from "../../../lib/durations.ts";
import { type Moment, momentOf, type ParsedEvent } from "./parsed-event.ts";

/** The days that are read, in epoch milliseconds. */
export interface Span {
  fromMs: number;
  untilMs: number;
}

/** How many times may still be tried in a calendar: hostile rules find none in as many as one likes. */
export interface TryBudget {
  left: number;
}

const TRIES_PER_RULE_MAX = 20_000;
const RULES_MAX = 10;
const STARTS_MAX = 200;
const INTERVAL_MAX = 5_000;
/** Frequencies of which a whole number of days (of weeks) has every interval, so that a rule may begin later. */
const DAYS_PER_STEP: Record<string, number> = { SECONDLY: 1, MINUTELY: 1, HOURLY: 1, DAILY: 1, WEEKLY: 7 };
/** What a rule skips may be so long: its start is put so far before the span. */
const BEFORE_MS = 2 * DAY_MS;

/**
 * When an event begins within a span, ascending: its first time, what its rules say (RFC 5545, section 3.8.5.3) and its further
 * dates, without those that are excluded. Null where a rule is wrong, or cannot be followed within the budget.
 */
export function startsOf(event: ParsedEvent, span: Span, budget: TryBudget): Moment[] | null {
  const starts = [event.start, ...event.extra];
  for (const rule of event.rules.slice(0, RULES_MAX)) {
    const found = followRule(event, rule, span, budget);
    if (found === null) return null;
    starts.push(...found);
  }
  const byInstant = new Map(starts.map((start) => [start.ms, start]));
  return [...byInstant.values()]
    .filter(({ ms }) => ms >= span.fromMs && ms < span.untilMs)
    .filter(({ keys }) => !keys.some((key) => event.excluded.has(key)))
    .toSorted((a, b) => a.ms - b.ms);
}

/** Ends the library's search for a next time, which has no bound of its own. */
class OutOfTries extends Error {}
class PastSpan extends Error {}

function followRule(event: ParsedEvent, written: ICAL.Recur, span: Span, budget: TryBudget): Moment[] | null {
  if (!(written.interval >= 1 && written.interval <= INTERVAL_MAX)) return null;
  const rule = written.clone();
  // Compared as an instant, since the library knows no zones of ours.
  const endsAfterMs = untilOf(rule, event);
  rule.until = null;
  if (event.start.ms >= span.untilMs) return [];
  const starts: Moment[] = [];
  let triesLeft = Math.min(TRIES_PER_RULE_MAX, budget.left);
  const lastWall = wallTime(span.untilMs + BEFORE_MS);
  try {
    const iterator = rule.iterator(laterStart(event, rule, span.fromMs));
    const check = iterator.check_contracting_rules.bind(iterator);
    iterator.check_contracting_rules = () => {
      if (--triesLeft < 0) throw new OutOfTries();
      if (iterator.last.compare(lastWall) > 0) throw new PastSpan();
      return check();
    };
    while (starts.length < STARTS_MAX) {
      if (--triesLeft < 0) return null;
      const next = iterator.next();
      if (next === null || next === undefined) break;
      const moment = momentOf(asWritten(next, event), event.clock);
      if (moment.ms >= span.untilMs || moment.ms > endsAfterMs) break;
      if (moment.ms >= span.fromMs) starts.push(moment);
    }
  } catch (error) {
    if (error instanceof PastSpan) return starts;
    // Out of tries, or a rule that the library finds wrong.
    if (error instanceof Error) return null;
    throw error;
  } finally {
    budget.left -= Math.min(TRIES_PER_RULE_MAX, budget.left) - Math.max(0, triesLeft);
  }
  return starts;
}

/** The last instant at which a rule may begin an event; of a day, its last. */
function untilOf({ until }: ICAL.Recur, { start, clock }: ParsedEvent): number {
  if (until === null || until === undefined) return Number.POSITIVE_INFINITY;
  const { ms, isDate } = momentOf(until, clock);
  return isDate && !start.isDate ? ms + DAY_MS - 1 : ms;
}

/** The time itself, without a zone, for the library to reckon with. In UTC where the event is. */
function asWritten(next: ICAL.Time, { start }: ParsedEvent): ICAL.Time {
  const time = next.clone();
  time.isDate = start.isDate;
  if (start.isUtc) time.zone = ICAL.Timezone.utcTimezone;
  return time;
}

/** The event's own start, or one shortly before the span that the rule would come to as well. A count is from the first. */
function laterStart({ start }: ParsedEvent, rule: ICAL.Recur, fromMs: number): ICAL.Time {
  const first = new ICAL.Time({ ...start.wall, isDate: start.isDate }, ICAL.Timezone.localTimezone);
  const days = (DAYS_PER_STEP[rule.freq] ?? 0) * rule.interval;
  const aheadDays = Math.floor((fromMs - BEFORE_MS - start.ms) / DAY_MS);
  if (days === 0 || rule.count || aheadDays < days) return first;
  first.adjust(Math.floor(aheadDays / days) * days, 0, 0, 0);
  return first;
}

function wallTime(ms: number): ICAL.Time {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const midnight = { year, month, day, hour: 0, minute: 0, second: 0, isDate: false };
  return new ICAL.Time(midnight, ICAL.Timezone.localTimezone);
}
