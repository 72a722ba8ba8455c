import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { StoreDialect } from "./dialect.ts";
import { StoreRefused, sqliteCode } from "./errors.ts";
import { migrate } from "./migrate.ts";
import type { Db, Schema, Trx } from "./schema.ts";

/** How long a statement waits for another process's transaction; those hold only SQL and last milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

export interface Store {
  db: Db;
  /** One immediate transaction: the write lock is held from its first statement. No network inside one, ever. */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  /** Changes whenever another connection has committed; cheaper than a query, so the kill watcher polls it. */
  dataVersion(): number;
  close(): Promise<void>;
}

/**
 * Opens (and if need be creates and migrates) the database at `path`.
 * @throws StoreRefused when it is not a database, newer than this code, damaged, or cannot be written.
 */
export async function openStore(path: string): Promise<Store> {
  const database = openDatabase(path);
  const db = new Kysely<Schema>({ dialect: new StoreDialect(database) });
  try {
    await migrate(db);
  } catch (error) {
    database.close();
    throw explain(error, path);
  }
  return {
    db,
    transaction: (work) => db.transaction().execute(work),
    dataVersion: () => database.pragma("data_version", { simple: true }) as number,
    close: () => db.destroy(),
  };
}

function openDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    configure(database);
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
}

function configure(database: Database.Database): void {
  // Has an effect only on a database that has no table yet: freed pages can then be given back in small steps.
  database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  // better-sqlite3 is compiled to run WAL databases at NORMAL, which loses acknowledged commits in a power cut.
  database.pragma("synchronous = FULL");
  database.pragma("fullfsync = ON");
  database.pragma("foreign_keys = ON");
  database.pragma("trusted_schema = OFF");
  database.pragma("journal_size_limit = 8388608");
  assertPragma(database, "synchronous", 2);
  assertPragma(database, "journal_mode", "wal");
  assertPragma(database, "foreign_keys", 1);
}

function assertPragma(database: Database.Database, name: string, expected: string | number): void {
  const found = database.pragma(name, { simple: true });
  if (found !== expected) {
    throw new StoreRefused(
      "store_unsafe",
      `the database runs with ${name} = ${found} and not ${expected}; refusing to rely on it`,
    );
  }
}

/** SQLite's errors in words that say what to do. Anything else passes as it is. */
function explain(error: unknown, path: string): unknown {
  const refuse = (code: string, message: string) => new StoreRefused(code, message, { cause: error });
  const code = sqliteCode(error);
  if (code === "SQLITE_NOTADB" || code?.startsWith("SQLITE_CORRUPT")) {
    return refuse(
      "store_damaged",
      `${path} is not a database or is damaged; nothing was changed. Restore a backup, or move the file away to start anew`,
    );
  }
  if (code?.startsWith("SQLITE_READONLY") || code?.startsWith("SQLITE_CANTOPEN") || isDenied(error)) {
    return refuse(
      "store_unwritable",
      `cannot write ${path}: make its folder writable for this user (a file system mounted read-only cannot hold the state)`,
    );
  }
  if (code === "SQLITE_FULL")
    return refuse("disk_full", `the disk that holds ${path} is full; make room and start again`);
  if (code?.startsWith("SQLITE_IOERR")) {
    return refuse(
      "store_io",
      `reading or writing ${path} failed (${code}); check the disk before starting again`,
    );
  }
  return error;
}

function isDenied(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR";
}
