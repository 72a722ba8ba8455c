import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { StateLocked, StoreRefused, sqliteCode } from "./errors.ts";

export interface Lock {
  release(): void;
}

/** A connection that nothing refers to is closed by the garbage collector, and its lock would go with it. */
const held = new Set<Database.Database>();

/**
 * Takes the state directory for this process, at once or not at all. The lock is an exclusive SQLite transaction on a
 * file of its own: the system drops it with the process, however that ends, so a lock is never stale and whoever gets
 * it knows that nobody else's work is under way.
 * @throws StateLocked when another process holds it.
 */
export function acquireLock(path: string): Lock {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new Database(path, { timeout: 0 });
    database.exec("begin exclusive");
  } catch (error) {
    database?.close();
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) throw new StateLocked(path);
    throw new StoreRefused(
      "store_unwritable",
      `cannot lock ${path}: make its folder writable for this user`,
      {
        cause: error,
      },
    );
  }
  const connection = database;
  held.add(connection);
  return {
    release() {
      held.delete(connection);
      connection.close();
    },
  };
}

/** True when some process holds the lock now. Takes and drops it to find out. */
export function isLocked(path: string): boolean {
  try {
    acquireLock(path).release();
    return false;
  } catch (error) {
    if (error instanceof StateLocked) return true;
    throw error;
  }
}
