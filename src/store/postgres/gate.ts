import type { QueryResult as Answer } from "pg";
import { StoreRefused } from "../errors.ts";

/** What a section finds at the gate, which it then has alone. */
export interface AtGate {
  /** With this section. */
  generation: number;
  epoch: number;
  /** The agent's time once the gate was locked, and never behind an earlier section. Epoch milliseconds. */
  nowMs: number;
  time: TimeAtGate;
  /** The database that the gate's row knows, and the one that it is in. */
  known: Origin;
  found: Origin;
  /** The newest migration, and the one that a version has to know (levels.ts). */
  levels: { newest: string; min: string };
}

/** A database as a whole: a copy that was promoted or restored has another timeline, a new one another identifier. */
export interface Origin {
  systemId: string;
  timeline: string;
}

/** What the agent's time is made of. */
export interface TimeAtGate {
  /** At the section before. */
  beforeMs: number;
  /** What the database's own clock says. */
  databaseMs: number;
  /** What the agent's time is ahead of that clock. */
  shiftMs: number;
  /** The generation at which a person last took that clock for right. */
  setAt: number;
}

/** Locks the gate: whoever has it is alone, in the whole fleet, until its transaction ends. */
const LOCK = "select 1 from gate where id = 1 for update";

/**
 * Read once the lock is held: a statement that waits for a row has read the clock before. `now()` would be the time at which
 * the transaction began, which may be long before another's that committed first.
 */
const PASS = `update gate set generation = gate.generation + 1,
  latest_at = greatest(before.latest_at, clock.at + gate.shift_ms)
  from (select latest_at from gate where id = 1) before,
    (select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as at) clock
  where gate.id = 1
  returning generation, epoch, gate.latest_at, system_id, timeline, level, level_min,
  before.latest_at as before_at, clock.at as clock_at, shift_ms, clock_set,
  current_setting('synchronous_commit') as sync,
  (select system_identifier::text from pg_control_system()) as found_system,
  left(pg_walfile_name(pg_current_wal_lsn()), 8) as found_timeline`;

/** The statements that a transaction begins with which only asks, in one packet. */
export const GATE = [LOCK, PASS];

/**
 * Those of a transaction of sections: it writes down which one it is. By the number of its own that a server gives it could not be
 * asked for: one that stops at once forgets numbers that no commit had, and gives them out again.
 */
export function gateOf({ id, number }: { id: string; number: number }): string[] {
  const mark = `insert into commits (id, number, at)
    values ('${id}', ${number}, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
    on conflict (id) do update set number = excluded.number, at = excluded.at`;
  return [LOCK, mark, PASS];
}

/** @throws StoreRefused where a commit would not be on the disk, or the gate's row is gone. */
export function readGate({ rows: [row] }: Answer, where: string): AtGate {
  if (row === undefined)
    throw new StoreRefused("store_damaged", `the gate's row is missing from ${where}; restore a backup`);
  if (row.sync === "off") {
    const message = `${where} runs with synchronous_commit = off, which forgets what it has acknowledged; set it to on`;
    throw new StoreRefused("store_unsafe", message);
  }
  return {
    generation: row.generation,
    epoch: row.epoch,
    nowMs: row.latest_at,
    time: {
      beforeMs: row.before_at,
      databaseMs: row.clock_at,
      shiftMs: row.shift_ms,
      setAt: row.clock_set,
    },
    known: { systemId: row.system_id, timeline: row.timeline },
    found: { systemId: row.found_system, timeline: row.found_timeline },
    levels: { newest: row.level, min: row.level_min },
  };
}
