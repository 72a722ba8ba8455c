import Database from "better-sqlite3";

/** What a thread of its own can see of the state, without the query builder, which would cost more than all the rest. */
export interface KillReader {
  /** The kill switch's row as it was last committed; null when it is not set. Throws what SQLite says. */
  killRow(): { reason: string } | null;
  /** The tick and the job that are under way, to say what it was that hung. Throws what SQLite says. */
  underWay(): { tick?: string; job?: string };
  close(): void;
}

/**
 * Opens the database at `path` to read it, beside the connection that does the work: it creates, migrates and waits for
 * nothing, and sees what is committed even while that connection is in the middle of a transaction.
 * Throws what SQLite says, when there is no such file for one.
 */
export function openKillReader(path: string): KillReader {
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 });
  const kill = database.prepare<[], { set_at: number | null; reason: string | null }>(
    "select set_at, reason from kill_switch where id = 1",
  );
  const tick = database.prepare<[], { tick: string }>(
    "select id as tick from ticks where outcome = 'running' order by started_at desc limit 1",
  );
  const job = database.prepare<[], { job: string }>(
    "select key as job from jobs where state = 'running' order by updated_at desc limit 1",
  );
  return {
    killRow() {
      const row = kill.get();
      // A table without its row is damaged state, and counts as set wherever it is read.
      if (row === undefined) return { reason: "the kill switch's row is missing from the database" };
      return row.set_at === null ? null : { reason: row.reason ?? "no reason given" };
    },
    underWay() {
      return { ...tick.get(), ...job.get() };
    },
    close: () => void database.close(),
  };
}
