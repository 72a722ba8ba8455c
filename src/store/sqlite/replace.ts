import { chmodSync, copyFileSync, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { systemCode } from "../../lib/errors.ts";
import { syncPath } from "../durable-file.ts";
import { StoreRefused } from "../errors.ts";
import { explain, sqliteCode } from "./errors.ts";
import { refuseDamagedLog } from "./wal.ts";

/** More than any database has, so that a copy is one step, and with it one transaction that nothing begins again. */
const ALL_PAGES = 0x7fffffff;
const BUSY_TIMEOUT_MS = 5_000;

/** What stands at a database's path. */
type Present = "nothing" | "database" | "damaged";

/** Whether SQLite can read the file at all. Throws StoreRefused when it may not be read or written. */
export function lookAtPresent(path: string): Present {
  if (!existsSync(path)) return "nothing";
  let database: Database.Database | undefined;
  try {
    refuseDamagedLog(path);
    database = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    database.pragma("schema_version");
    return "database";
  } catch (error) {
    const explained = explain(error, path);
    if (explained instanceof StoreRefused && explained.code === "store_damaged") return "damaged";
    throw explained;
  } finally {
    database?.close();
  }
}

/**
 * Puts the content of `staged` in the place of the database at `path`, whose former content is kept as `kept`. The
 * new content goes in as one transaction of the present database: a crash leaves the one or the other whole, its
 * write-ahead log stays its own, and a process that has it open sees the change as any other.
 * @throws StoreRefused when another process keeps it busy, or the disk is full.
 */
export async function replaceContent(staged: string, path: string, kept: string): Promise<void> {
  try {
    await copyPages(path, `${kept}.part`);
    chmodSync(`${kept}.part`, 0o600);
    syncPath(`${kept}.part`);
    renameSync(`${kept}.part`, kept);
    syncPath(dirname(kept));
    try {
      await copyPages(staged, path);
      // A destination that is busy is reported as if all had been copied.
      if ((await readKillSwitch(staged)) !== (await readKillSwitch(path))) {
        throw new StoreRefused("busy", `another process is writing to ${path}; end it and try again`);
      }
    } catch (error) {
      // Rolled back: what is in place is what was, and a copy of it would only look like a restore.
      rmSync(kept, { force: true });
      throw error;
    }
    await putOnDisk(path);
  } catch (error) {
    throw explain(error, path);
  } finally {
    rmSync(`${kept}.part`, { force: true });
  }
}

/**
 * The same where there is no database that could take a transaction: nothing, or a file that is damaged. The caller has
 * stopped the agent by other means, since between the two steps the old file is without its log.
 */
export function replaceFile(staged: string, path: string, kept: string): void {
  try {
    // 1. The old log, or SQLite would play it into the new database.
    if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${kept}-wal`);
    rmSync(`${path}-shm`, { force: true });
    // 2. The old file under a second name, so that there is one at its path all the time.
    if (existsSync(path)) keepFile(path, kept);
    syncPath(dirname(path));
    // 3. The new one.
    renameSync(staged, path);
    syncPath(dirname(path));
  } catch (error) {
    throw explain(error, path);
  }
}

async function copyPages(from: string, to: string): Promise<void> {
  await withDatabase(from, (source) => source.backup(to, { progress: () => ALL_PAGES }));
}

/** Does `work` with a connection of its own. */
async function withDatabase<T>(path: string, work: (database: Database.Database) => T): Promise<Awaited<T>> {
  const database = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

/** Set anew by every restore, to the millisecond, so it tells two states apart. Null where there is none to be read. */
async function readKillSwitch(path: string): Promise<string | null> {
  try {
    return await withDatabase(path, (database) =>
      JSON.stringify(database.prepare("select * from kill_switch").all()),
    );
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error;
    return null;
  }
}

/** The copy was committed by a connection that does not sync: until here a power cut would leave the old content. */
async function putOnDisk(path: string): Promise<void> {
  const pragmas = ["journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "wal_checkpoint(TRUNCATE)"];
  await withDatabase(path, (database) => {
    for (const pragma of pragmas) database.pragma(pragma);
  });
  syncPath(path);
}

function keepFile(path: string, kept: string): void {
  try {
    linkSync(path, kept);
  } catch (error) {
    const isUnable = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(systemCode(error));
    if (!isUnable) throw error;
    // A file system without second names.
    copyFileSync(path, kept);
    syncPath(kept);
  }
}
