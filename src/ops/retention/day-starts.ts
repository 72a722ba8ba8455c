import { dayBounds, dayIn } from "../../lib/days.ts";

/** The first instant of the calendar day that an instant lies in; each day is looked up once. */
export function createDayStarts(timezone: string): (ms: number) => number {
  const starts = new Map<string, number>();
  return (ms) => {
    const day = dayIn(ms, timezone);
    let start = starts.get(day);
    if (start === undefined) {
      start = dayBounds(day, timezone).fromMs;
      starts.set(day, start);
    }
    return start;
  };
}
