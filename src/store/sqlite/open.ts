import { statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { type CompiledQuery, Kysely } from "kysely";
import { systemClock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { findReplaced, openedFiles } from "../../lib/opened-files.ts";
import { oncePerTurn } from "../../lib/turn.ts";
import { createDeferred } from "../deferred.ts";
import { makeFolder } from "../durable-file.ts";
import { StoreRefused } from "../errors.ts";
import { executePreparedBy } from "../prepared.ts";
import type { Schema, Trx } from "../schema.ts";
import { collectAfterCommit, type Store } from "../store.ts";
import { withBallast } from "./ballast.ts";
import { BUSY_PATIENCE_MS, BUSY_TIMEOUT_MS, whileBusy } from "./busy.ts";
import { executeNow, StoreDialect } from "./dialect.ts";
import { explain, refuseSpecialFile } from "./errors.ts";
import { migrate, refuseForeignSchema } from "./migrate.ts";
import { refuseDamage, shrink } from "./pages.ts";
import { keepPrivate } from "./private-state.ts";
import { refuseDamagedLog } from "./wal.ts";

/** However little patience the caller has: our own transactions hold only SQL, and are over by then. */
const STATEMENT_PATIENCE_MIN_MS = 2_000;
/** How long a section that nobody waits for does so for another one. */
const SOON_MS = 2;
/** A database up to this size is read as a whole in under 0.2 s. */
const LARGE_BYTES = 32 * 1024 * 1024;

/**
 * Opens (and if need be creates and migrates) the database at `path`. A process that makes or migrates it, which takes
 * long, is waited for by `patienceMs`; a program that keeps others from writing later on, for no longer than a lease.
 *
 * Two processes that give a new database its write-ahead log would wait for each other for ever, so SQLite refuses one of
 * them at once and waits for nothing: the time-out of a statement is no help there.
 * @throws StoreRefused when it is not a database, newer than this code, damaged, held by another, or cannot be written.
 */
export async function openStore(path: string, patienceMs = MINUTE_MS): Promise<Store> {
  // Even to say that the disk is full takes an open database.
  return await withBallast(dirname(path), () => whileBusy(patienceMs, () => open(path, patienceMs)));
}

async function open(path: string, patienceMs: number): Promise<Store> {
  const database = openDatabase(path);
  const busyMs = Math.max(STATEMENT_PATIENCE_MIN_MS, Math.min(patienceMs, BUSY_PATIENCE_MS));
  const dialect = new StoreDialect(database, busyMs);
  const db = new Kysely<Schema>({ dialect });
  try {
    await migrate(db);
  } catch (error) {
    database.close();
    throw explain(error, path);
  }
  // Prepared once: a loop that idles asks at every look, and making the statement anew leaves garbage each time.
  const version = database.prepare("pragma data_version").pluck();
  const { group } = dialect;
  const execute = (query: CompiledQuery) => executeNow(dialect.statements, query);
  // While a transaction is open on the connection they wait their turn: they would join it.
  executePreparedBy(db, (query) =>
    whileBusy(busyMs, () => (database.inTransaction ? db.executeQuery(query) : execute(query))),
  );
  const latest = db.withoutPlugins();
  executePreparedBy(latest, (query) => whileBusy(busyMs, () => execute(query)));
  async function runSection<T>(trx: Trx, work: (trx: Trx) => Promise<T>) {
    const hooks = collectAfterCommit(trx);
    let isOver = false;
    executePreparedBy(trx, (query) => (isOver || group.isLost() ? trx.executeQuery(query) : execute(query)));
    try {
      return { result: await work(trx), hooks };
    } finally {
      isOver = true;
    }
  }
  // SQLite made the log and its index when it first read.
  const files = openedFiles([path, `${path}-wal`, `${path}-shm`]);
  let replaced: { at: number; what: string } | null = null;
  // What is to be written down is worth the ballast: what was paid for, what is reserved, and that the disk is full.
  async function section<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    const { result, hooks } = await withBallast(dirname(path), () =>
      group.section((onBegin) =>
        db.transaction().execute(async (trx) => {
          onBegin();
          return await runSection(trx, work);
        }),
      ),
    );
    for (const hook of hooks) hook();
    return result;
  }
  const later = createDeferred(SOON_MS);
  const lookForReplaced = oncePerTurn(() => findReplaced(files));
  const atomically: Store["atomically"] = (work) => {
    later.startAll();
    return section(work);
  };
  return {
    db,
    latest,
    pages: db,
    atomically,
    atomicallySoon: (work) => later.defer(() => section(work)),
    changes: { seen: async () => version.get() as number },
    // A look costs next to nothing, and a file answers.
    onHint: () => () => undefined,
    setPatience: () => undefined,
    clockOver: (clock) => clock,
    // The rails alone hold the time back that one machine goes by.
    acceptClock: async () => undefined,
    health: {
      refuseBroken: dialect.refuseBroken,
      refuseForeign: async () => void (await refuseForeignSchema(db)),
      refuseDamage: () => refuseDamage(db, path),
      isLarge: () => statSync(path).size > LARGE_BYTES,
      // A file is never another one without a word: `replaced` and the generation of ticks say so.
      onEvent: () => undefined,
      shrink: () => shrink({ db, atomically }),
      files,
      replaced() {
        const what = replaced === null ? lookForReplaced() : null;
        if (what !== null) replaced = { at: systemClock.nowMs(), what };
        return replaced;
      },
    },
    close() {
      later.startAll();
      return db.destroy();
    },
  };
}

function openDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    makeFolder(dirname(path));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) refuseSpecialFile(file);
    keepPrivate(path);
    refuseDamagedLog(path);
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    configure(database);
    return database;
  } catch (error) {
    database?.close();
    throw explain(error, path);
  }
}

function configure(database: Database.Database): void {
  // Freed pages can then be given back in small steps. It must be said before the first table is made; said later it
  // would only write to the database, which each start would then do.
  if (database.pragma("page_count", { simple: true }) === 0) database.pragma("auto_vacuum = INCREMENTAL");
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
