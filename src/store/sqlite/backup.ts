import { closeSync, copyFileSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { Kysely, sql } from "kysely";
import { openNewPrivate } from "../../lib/private-files.ts";
import { syncPath } from "../durable-file.ts";
import { StoreRefused } from "../errors.ts";
import type { Db, Schema } from "../schema.ts";
import { StoreDialect } from "./dialect.ts";
import { explain } from "./errors.ts";
import { refuseForeignSchema } from "./migrate.ts";
import { MANIFEST_TABLE } from "./schema-check.ts";

/** What a backup says of itself, in a table of its own. `madeAt` is epoch milliseconds. */
export interface BackupManifest {
  agent: string;
  version: string;
  madeAt: number;
}

/** Tables without which a database is not afk's. */
const TABLES = ["kysely_migration", "kill_switch", "ledger", "jobs", "meta"];

/**
 * Writes a copy of the database, as it is at one moment, into a new file, with its manifest, and to the disk. VACUUM INTO
 * reads one snapshot, so a worker that writes meanwhile neither waits for it nor makes it begin again, as it would with
 * SQLite's page-wise online backup. Throws StoreRefused when the disk is full or the folder cannot be written.
 */
export async function copyDatabase(db: Db, to: string, manifest: BackupManifest): Promise<void> {
  try {
    // An empty file is filled by VACUUM INTO, and keeps the mode that it was made with.
    closeSync(openNewPrivate(to));
    await sql`vacuum into ${to}`.execute(db);
    const copy = new Database(to, { fileMustExist: true });
    try {
      copy.exec(MANIFEST_TABLE.sql);
      copy
        .prepare("insert into backup_manifest values (?, ?, ?)")
        .run(manifest.agent, manifest.version, manifest.madeAt);
    } finally {
      copy.close();
    }
    syncPath(to);
  } catch (error) {
    throw explain(error, to);
  }
}

/** Gives a finished copy its name, on the disk too. */
export function nameCopy(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
    syncPath(dirname(path));
  } catch (error) {
    throw explain(error, path);
  }
}

/** Copies a backup to where it is worked on; it is left as it is. */
export function copyAside(from: string, to: string): void {
  try {
    // With the log of an earlier try that was cut off, which SQLite would play into the copy.
    removeDatabase(to);
    closeSync(openNewPrivate(to));
    copyFileSync(from, to);
    syncPath(to);
  } catch (error) {
    throw explain(error, to);
  }
}

/**
 * Opens a copy to look at it: nothing is migrated or configured. Throws StoreRefused when it is no database of afk's, or
 * holds more than afk makes, before anything is asked of its tables: those may be views.
 */
export async function openCopy(path: string): Promise<{ db: Db; close(): Promise<void> }> {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { fileMustExist: true });
    database.pragma("trusted_schema = OFF");
    const found = database
      .prepare<[], { name: string }>("select name from sqlite_master where type = 'table'")
      .all();
    const missing = TABLES.filter((table) => !found.some(({ name }) => name === table));
    if (missing.length > 0) {
      const found = `it has no ${missing.join(", ")}`;
      throw new StoreRefused("not_afk", `${path} is a database, but not one of afk's: ${found}`);
    }
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
  const db = new Kysely<Schema>({ dialect: new StoreDialect(database) });
  try {
    await refuseForeignSchema(db);
    return { db, close: () => db.destroy() };
  } catch (error) {
    await db.destroy();
    throw explain(error, path);
  }
}

/** Null when it has none, being a copy that was made some other way. */
export async function readManifest(db: Db): Promise<BackupManifest | null> {
  const table = await sql`select 1 from sqlite_master where name = 'backup_manifest'`.execute(db);
  if (table.rows.length === 0) return null;
  const { rows } = await sql<BackupManifest>`
    select agent, version, made_at as "madeAt" from backup_manifest limit 1`.execute(db);
  return rows[0] ?? null;
}

/** Removes what a backup says of itself; the state has no use for it. */
export async function dropManifest(db: Db): Promise<void> {
  await sql`drop table if exists backup_manifest`.execute(db);
}

/** Moves everything from the write-ahead log to the database, so that its file alone is whole. */
export async function emptyLog(db: Db): Promise<void> {
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
}

/** Removes a database with the files that SQLite keeps beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true });
}
