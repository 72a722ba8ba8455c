import type { Generated } from "kysely";

/** One row, id 1, which every section on PostgreSQL locks before anything else. SQLite has a lock of its own. */
export interface GateTable {
  id: number;
  /** Raised by every section. */
  generation: number;
  /** The database's time at the newest section; it never goes back. */
  latest_at: number;
  /** Raised when the database is seen to be another than before, or behind what a machine remembers. */
  epoch: number;
  /** The database that is worked on: its identifier and timeline. Empty before the first section. */
  system_id: string;
  timeline: string;
  /** What the agent's time is ahead of the database's clock: not 0 from a jump of that clock until a person confirms it. */
  shift_ms: number;
  /** The generation at which a person last took that clock for right. */
  clock_set: number;
  /** The newest migration. On SQLite as it was made: one process at a time has the file. */
  level: string;
  /** The migration that a version has to know to work here. */
  level_min: string;
}

/** What was found wrong with the database as a whole, at the gate; a person is told of it, and confirms it. */
export interface DatabaseEventsTable {
  generation: number;
  event: "failover_seen" | "clock_jump";
  at: number;
  reason: string;
  /** When the alert was written. */
  told_at: number | null;
  /** When a person let the work go on. */
  confirmed_at: number | null;
}

/** A host of a fleet, known by an id of its own: a row for the process that runs its jobs, and one for that of its gateway. */
export interface MachinesTable {
  id: string;
  part: Generated<"worker" | "gateway">;
  /** The process that has the machine's part, as claims and the ledger name it. */
  runner: string;
  /** What its host calls itself: for people alone. */
  name: string;
  /** Of its kernel, with the space of process numbers that `pid` is one of: of two containers each may have its own. */
  boot_id: string;
  pid: number;
  /** When the process began, as the system tells it: with the number and the boot it names one process for good. */
  process_started: string;
  version: string;
  /** The newest migration that it knows. */
  level: string;
  started_at: number;
  lease_until: number;
  /** When it last saw the kill switch, set or not. */
  looked_at: number;
  /** How far its own clock was ahead of the database's. */
  clock_off_ms: number;
  /** When others found its lease over: its process may do nothing any more. */
  lost_at: number | null;
  /** When it ended in order. */
  ended_at: number | null;
}

/** What one machine at a time does for all. */
export interface ChoresTable {
  name: string;
  runner: string;
  /** Grows each time that it is taken; every step of it names it. */
  token: number;
  until: number;
}

/** The last transaction of a process that writes. */
export interface CommitsTable {
  /** Of the process, made at random. */
  id: string;
  /** How many it had begun. */
  number: number;
  at: number;
}
