import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { findReplaced, openedFiles } from "../../lib/opened-files.ts";
import type { Reader } from "../reader.ts";
import type { Db, Schema } from "../schema.ts";
import { StoreDialect } from "./dialect.ts";
import { explain, refuseSpecialFile } from "./errors.ts";
import { isMigrated } from "./migrate.ts";

/** How long a statement waits; a reader of a write-ahead log waits for nobody but who is opening the database. */
const BUSY_TIMEOUT_MS = 1_000;

/**
 * Opens the database at `path`, which must be there and migrated, to look at it.
 * @throws StoreRefused when it cannot be read.
 */
export function openReader(path: string): Reader {
  const database = openToRead(path);
  const files = openedFiles([path, `${path}-wal`, `${path}-shm`]);
  const db = new Kysely<Schema>({ dialect: new StoreDialect(database) });
  const version = database.prepare("pragma data_version").pluck();
  let queue: Promise<unknown> = Promise.resolve();

  async function readNow<T>(work: (db: Db) => Promise<T>): Promise<T> {
    database.exec("begin");
    try {
      return await work(db);
    } finally {
      if (database.inTransaction) database.exec("rollback");
    }
  }

  return {
    read(work) {
      const result = queue.then(() => readNow(work));
      // Whoever asked is told; the queue only waits.
      queue = Promise.allSettled([result]);
      return result;
    },
    isMigrated,
    changes: { seen: async () => version.get() as number },
    isReplaced: () => findReplaced(files) !== null,
    close: () => db.destroy(),
  };
}

/**
 * A connection by which nothing can be written, not even a temporary table.
 * @throws StoreRefused when the database cannot be read.
 */
function openToRead(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) refuseSpecialFile(file);
    const readonly = !leavesNothing(path);
    database = new Database(path, { readonly, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    database.pragma("query_only = ON");
    database.pragma("trusted_schema = OFF");
    database.prepare("select 1 from sqlite_master limit 1").get();
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
}

/**
 * The agent that a database belongs to which somebody else may be at work on, and which an older afk may have written; null where
 * nothing can be told. Only reads, and throws nothing.
 */
export function peekOwner(path: string): string | null {
  const row = peek<{ agent: string }>(path, "select agent from owners order by id desc limit 1");
  return row === "unreadable" || row === undefined ? null : row.agent;
}

/** Whether an agent has worked with such a database, or was stopped in it; true where that cannot be told. Only reads. */
export function peekUsed(path: string): boolean {
  const used = ["ledger", "jobs", "ticks", "kill_switch where set_at is not null"]
    .map((table) => `exists (select 1 from ${table})`)
    .join(" or ");
  const row = peek<{ used: number }>(path, `select ${used} as used`);
  return row === "unreadable" || row?.used === 1;
}

function peek<Row>(path: string, query: string): Row | undefined | "unreadable" {
  let database: Database.Database | undefined;
  try {
    database = openToRead(path);
    return database.prepare<[], Row>(query).get();
  } catch {
    return "unreadable";
  } finally {
    database?.close();
  }
}

/**
 * Whether the file may be opened as one that writes: SQLite then takes the log and its index away again, which it makes to
 * read, and a read-only connection leaves behind. Not where a log is there already, be it a worker's or left by a crash:
 * the last to close would move what is in it to the database.
 */
function leavesNothing(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return !existsSync(`${path}-wal`);
  } catch {
    return false;
  }
}
