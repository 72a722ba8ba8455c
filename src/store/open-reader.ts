import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { StoreDialect } from "./dialect.ts";
import { explain } from "./errors.ts";
import { findReplaced, openedFiles } from "./opened-files.ts";
import type { Db, Schema } from "./schema.ts";

/** How long a statement waits; a reader of a write-ahead log waits for nobody but who is opening the database. */
const BUSY_TIMEOUT_MS = 1_000;

/** A connection that cannot write, beside those that do the work. */
export interface Reader {
  /** Everything that `work` reads is of one moment. One at a time; it holds only SQL. */
  read<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /** Changes whenever another connection has committed. */
  dataVersion(): number;
  /** True once the path leads to another file than the one that is open: it was replaced, or a copy restored over it. */
  isReplaced(): boolean;
  close(): Promise<void>;
}

/**
 * Opens the database at `path`, which must be there and migrated, to look at it.
 * @throws StoreRefused when it cannot be read.
 */
export function openReader(path: string): Reader {
  const database = open(path);
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
      queue = result.then(ignore, ignore);
      return result;
    },
    dataVersion: () => version.get() as number,
    isReplaced: () => findReplaced(files) !== null,
    close: () => db.destroy(),
  };
}

function open(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    // Opened to be read, and told so once more: then even a temporary table is refused.
    database.pragma("query_only = ON");
    database.pragma("trusted_schema = OFF");
    database.prepare("select 1 from sqlite_master limit 1").get();
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
}

/** Whoever asked is told; the queue only waits. */
function ignore(): void {
  return;
}
