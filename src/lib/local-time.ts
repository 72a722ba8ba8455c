import { dayIn } from "./days.ts";
import { momentText, timeText } from "./zone.ts";

/** The day (`2026-11-21`) and the time of day (`14:05`) of an instant in the agent's zone, as a payload has them. */
export function localParts(ms: number, timezone: string): { date: string; time: string } {
  return { date: dayIn(ms, timezone), time: timeText(ms, timezone).slice(0, 5) };
}

/** An instant in a sentence. One that belongs to a job's key or is what a command is given stays as it has to be typed. */
const INSTANT = /(?<![\w@=/:.-]|--since )\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z(?![\w/-])/g;

/** The same text with its instants as people of a time zone say them: `Sat 21 Nov 14:05`. */
export function withLocalTimes(text: string, timezone: string): string {
  return text.replace(INSTANT, (instant) => {
    const ms = Date.parse(instant);
    return Number.isNaN(ms) ? instant : momentText(ms, timezone);
  });
}
