import type { CalendarWindow, OwnerName } from "../lib/windows.ts";

/*
 * What stays of rows that retention has removed. Conventions as in schema.ts. `first_at` is the first instant of the
 * calendar day, in the agent's time zone, in which the row was made: a span of whole days finds the same as before.
 */

/**
 * Ended calls of one model for one job and client on one day, added up. The budget's periods are those that the calls
 * counted in: where the zone was changed the month is not always the day's. An owner's name is empty for calls that belong to none.
 */
export interface LedgerDaysTable extends Record<CalendarWindow | OwnerName, string> {
  first_at: number;
  model: string;
  state: "settled" | "released";
  calls: number;
  /** Calls whose tokens the provider counted. */
  counted: number;
  degraded: number;
  input_tokens: number;
  output_tokens: number;
  cost_micros: number;
  cost_tokens: number;
  estimate_micros: number;
}

/** Runs of one job that were done on one day. */
export interface JobDaysTable {
  first_at: number;
  name: string;
  runs: number;
  units: number;
}

/** How a tick ended. */
export type EndedTick = "ok" | "idle" | "halted" | "failed" | "crashed";

/** Ticks that began on one day and ended in one way. */
export interface TickDaysTable {
  first_at: number;
  outcome: EndedTick;
  ticks: number;
  by_hand: number;
  units: number;
}

/** A name that is never given twice, though what had it is gone. */
export interface TakenNamesTable {
  /** The key that somebody gave a job; the name of a file in `out/`. */
  kind: "job" | "output";
  name: string;
  taken_at: number;
}
