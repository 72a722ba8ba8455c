/** Durations in milliseconds. A calendar day of a time zone may be longer or shorter: what needs those asks days.ts. */
export const MINUTE_MS = 60_000;
/** An hour in milliseconds. */
export const HOUR_MS = 60 * MINUTE_MS;
/** 24 hours in milliseconds, which a calendar day may miss by an hour. */
export const DAY_MS = 24 * HOUR_MS;
