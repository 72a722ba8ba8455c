const formats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day of an instant in a time zone, `YYYY-MM-DD`. */
export function dayIn(ms: number, timezone: string): string {
  // Most agents live in UTC, and the first format of a process takes longer than all else that an idle tick computes.
  if (timezone === "UTC") return new Date(ms).toISOString().slice(0, 10);
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: timezone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
    formats.set(timezone, format);
  }
  return format.format(ms);
}
