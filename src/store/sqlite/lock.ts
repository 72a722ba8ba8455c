import { accessSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { systemCode } from "../../lib/errors.ts";
import { type OpenedFile, openedFiles } from "../../lib/opened-files.ts";
import { makePrivateFile } from "../../lib/private-files.ts";
import { makeFolder } from "../durable-file.ts";
import { isDiskFull, StateLocked, StoreRefused } from "../errors.ts";
import { dropBallast } from "./ballast.ts";
import { explain, isLockedOut, refuseSpecialFile } from "./errors.ts";

/** Outlasts a look of `isLocked`; who works holds the lock for longer than anybody would wait. */
const PROBE_MS = 100;

interface Lock {
  /** The file that is locked: another one in its place could be locked by another process. */
  files: OpenedFile[];
  release(): void;
}

/** A connection that nothing refers to is closed by the garbage collector, and its lock would go with it. */
const held = new Set<Database.Database>();

/**
 * Takes the state directory for this process, at once or not at all. The lock is an exclusive SQLite transaction on a
 * file of its own: the system drops it with the process, however that ends, so a lock is never stale and whoever gets
 * it knows that nobody else's work is under way. The lock writes nothing, but on a full disk SQLite may find no room for
 * its journal's name: then the ballast makes it.
 * @throws StateLocked when another process holds it.
 */
export function acquireLock(path: string): Lock {
  try {
    return take(path);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    dropBallast(dirname(path));
    return take(path);
  }
}

/** Takes all of them or none, for what must find nobody at work. @throws StateLocked when one is held. */
export function acquireLocks(paths: readonly string[]): Lock {
  const taken: Lock[] = [];
  const release = () => {
    for (const lock of taken) lock.release();
  };
  try {
    for (const path of paths) taken.push(acquireLock(path));
  } catch (error) {
    release();
    throw error;
  }
  return { files: taken.flatMap(({ files }) => files), release };
}

function take(path: string): Lock {
  let database: Database.Database | undefined;
  try {
    makeFolder(dirname(path));
    refuseSpecialFile(path);
    makePrivateFile(path);
    database = new Database(path, { timeout: PROBE_MS });
    database.exec("begin exclusive");
  } catch (error) {
    database?.close();
    if (isLockedOut(error)) throw new StateLocked(path);
    const explained = explain(error, path);
    if (isDiskFull(explained) || error instanceof StoreRefused) throw explained;
    const message = `cannot lock ${path}: make its folder writable for this user`;
    throw new StoreRefused("store_unwritable", message, { cause: error });
  }
  const connection = database;
  held.add(connection);
  return {
    files: openedFiles([path]),
    release() {
      held.delete(connection);
      connection.close();
    },
  };
}

/**
 * True when some process holds the lock now. It is asked for as a reader, which takes microseconds; whoever wants the
 * lock waits longer than that.
 * @throws StoreRefused when the file cannot be read.
 */
export function isLocked(path: string): boolean {
  let database: Database.Database | undefined;
  try {
    accessSync(path);
    refuseSpecialFile(path);
    database = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 });
    database.prepare("select count(*) from sqlite_master").get();
    return false;
  } catch (error) {
    if (isLockedOut(error)) return true;
    if (systemCode(error) === "ENOENT") return false;
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused("store_unwritable", `cannot look at ${path}: make it readable for this user`, {
      cause: error,
    });
  } finally {
    database?.close();
  }
}
