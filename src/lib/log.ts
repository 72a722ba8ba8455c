/** The level of a line, the mildest first. */
export type Level = "debug" | "info" | "warn" | "error";

/** What a line of the log says besides its event. */
export type Fields = Record<string, unknown>;

/** A structured log: one call is one line. `child` adds fields (tick, job, step) to every line below it. */
export interface Log {
  event(level: Level, event: string, fields?: Fields): void;
  child(fields: Fields): Log;
}

/** For callers that keep no log, and for tests that do not read it. */
export const silentLog: Log = { event() {}, child: () => silentLog };
