import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

/** The tables that money and the rails stand on; their indexes are theirs. */
const RAILS = ["ledger", "budget_windows", "budget_clock", "kill_switch", "breakers", "meta"];

/** Offsets in a database file that hold something of the rails' tables: what a flip must not turn into money. */
export function railsOffsets(path: string): number[] {
  const database = new Database(path, { readonly: true });
  try {
    const names = RAILS.map(() => "?").join(", ");
    const pages = database
      .prepare<string[], { pgoffset: number; pgsize: number }>(
        `select pgoffset, pgsize from dbstat where name in (select name from sqlite_master where tbl_name in (${names}))`,
      )
      .all(...RAILS);
    const bytes = readFileSync(path);
    return pages.flatMap(({ pgoffset, pgsize }) =>
      Array.from({ length: pgsize }, (_, n) => pgoffset + n).filter((offset) => bytes[offset] !== 0),
    );
  } finally {
    database.close();
  }
}

export function flip(path: string, offset: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
}

/** Puts a copy of a state directory in the place of another. */
export function putState(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith("ballast") });
}

export const databaseOf = (state: string) => join(state, "afk.db");
