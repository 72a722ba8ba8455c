import { durationMs } from "../config/fields.ts";
import { instantIn } from "../lib/zone.ts";
import { UsageError } from "./command.ts";

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/**
 * Epoch milliseconds of what a person wrote: a span back from now (`2h`, `1d12h`), an instant with its offset
 * (`2026-11-21T10:00Z`), or a day or time of the agent's time zone (`2026-11-21`, `2026-11-21 06:30`). A day is its first
 * moment; `wholeDay` takes it to its end.
 * @throws UsageError
 */
export function parseWhen(
  name: string,
  text: string,
  { nowMs, timezone, wholeDay = false }: { nowMs: number; timezone: string; wholeDay?: boolean },
): number {
  const span = durationMs(text);
  if (span !== null) return nowMs - span;
  const instant = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(instant)) return instant;
  const local = LOCAL.exec(text);
  if (local !== null && isReal(local)) {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = local
      .slice(1)
      .map((part) => Number(part ?? 0));
    // Date.UTC carries a day that is one too many over into the next month.
    const isToNext = wholeDay && local[4] === undefined;
    return instantIn(timezone, { year, month, day: day + (isToNext ? 1 : 0), hour, minute, second });
  }
  throw new UsageError(
    `--${name} ${text} is no time: write a span back from now (2h, 90m, 1d), a day (2026-11-21) or a time ("2026-11-21 06:30") of the agent's time zone (${timezone}), or an instant (2026-11-21T06:30Z).`,
  );
}

/** Where `--since` and `--until` of a command begin and end; undefined where they were not given. @throws UsageError */
export function readSpan(
  args: { since: string | undefined; until: string | undefined },
  at: { nowMs: number; timezone: string },
): { sinceMs: number | undefined; untilMs: number | undefined } {
  const { since, until } = args;
  return {
    sinceMs: since === undefined ? undefined : parseWhen("since", since, at),
    untilMs: until === undefined ? undefined : parseWhen("until", until, { ...at, wholeDay: true }),
  };
}

/** The calendar has it: Date would carry a 31 February over. */
function isReal([, year, month, day, hour, minute, second]: RegExpExecArray): boolean {
  const text = `${year}-${month}-${day}T${hour ?? "00"}:${minute ?? "00"}:${second ?? "00"}.000Z`;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}
