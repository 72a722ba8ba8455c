import type { Generated } from "kysely";
import type { CalendarWindow, OwnerName } from "../../lib/windows.ts";

/** One tick, from its start to its outcome. */
export interface TicksTable {
  id: string;
  started_at: number;
  finished_at: number | null;
  outcome: "running" | "ok" | "idle" | "halted" | "failed" | "crashed";
  reason: string | null;
  units: number;
  cost_micros: number;
  by_hand: number;
  next_due_at: number | null;
  version: string;
  /** Of a fleet; null where there is one. */
  machine: string | null;
}

/** One safety fired on purpose. It counts for the version and configuration it ran with. */
export interface DrillsTable {
  id: string;
  name: string;
  /** 1: the rail did what it promises. 0: it did not, or was not really exercised. */
  passed: number;
  version: string;
  config_hash: string;
  host: string;
  started_at: number;
  finished_at: number;
  /** What was measured, JSON: names with units, for instance `killToGoneMs`. */
  figures: string;
  /** What went wrong; null when it passed. */
  error: string | null;
  /** Name of the record in `runs/`. */
  file: string;
}

/** One row, id 1, once `afk clock start` has been accepted. */
export interface ClockTable {
  id: number;
  started_at: number;
  /** Day 0 of the present count, in the agent's time zone; a break moves it. */
  day_zero: string;
  /** The latest day of the budget's time in which a tick began; whatever is before it is over. */
  seen_day: string;
  version: string;
  config_hash: string;
}

/** A day of the clock, `2026-11-21` in the agent's time zone, written when the day is over. */
export interface ClockDaysTable {
  day: string;
  /** The count after this day: 0 for Day 0 and for a day that broke it. */
  count: number;
  ticks: number;
  outputs: number;
  units: number;
  failures: number;
  cost_micros: number;
  value_micros: number;
  incidents: number;
  attended: number;
  /** Why the day is attended or broke the count; null for an ordinary day. */
  note: string | null;
}

/** What broke: one row for a cause while it lasts. */
export interface IncidentsTable {
  id: string;
  /** Of an event and a subject one lasts at a time: `breaker_open` of `model:ollama/qwen2.5:3b`. */
  event: string;
  subject: string;
  title: string;
  opened_at: number;
  last_at: number;
  count: number;
  /** When it was seen to be over; null while it lasts. */
  recovered_at: number | null;
  tick: string | null;
  job: string | null;
  /** Release hash in use when it began; null before the first release. */
  config_hash: string | null;
  closed_at: number | null;
  /** A person's words; all three are there once it is closed. */
  cause: string | null;
  fix: string | null;
  prevention: string | null;
  /** The version or release that fixed it. */
  fixed_by: string | null;
}

/** A configuration that was checked and rendered into units. */
export interface ReleasesTable {
  id: string;
  config_hash: string;
  version: string;
  /** The text of afk.yaml as it was released; secrets are names in it. */
  config_text: string;
  reason: string;
  /** In words, from the release before: `daily cap 1.00 -> 2.00`. */
  difference: string;
  /** What the configuration says, in words by their subject and without secrets, JSON: the next release is compared to it. */
  facts: string;
  /** Each rendered unit by its file name with the SHA-256 of its content, JSON. */
  units: string;
  made_at: number;
}

/*
 * What stays of rows that retention has removed. `first_at` is the first instant of the calendar day, in the agent's time
 * zone, in which the row was made: a span of whole days finds the same as before.
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

/** Single values; store/meta.ts names them. */
export interface MetaTable {
  key: string;
  value: number;
}

/** Whose state it is: the newest row. */
export interface OwnersTable {
  id: Generated<number>;
  agent: string;
  since_at: number;
}
