import type Database from "better-sqlite3";
import {
  CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from "kysely";
import { explain, StoreRefused } from "../errors.ts";
import { whileBusy } from "./busy.ts";

/** Distinct statements afk sends; more than this many and the oldest is prepared again. */
const STATEMENTS_MAX = 300;

/** SQLite as afk needs it: immediate transactions and statements that are prepared once. */
export class StoreDialect extends SqliteDialect {
  /** The same statements for who runs them without Kysely (prepared.ts). */
  readonly statements: SqliteDatabase;
  /** @throws StoreRefused after an I/O error, as every statement then does. */
  readonly refuseBroken: () => void;
  readonly #inTransaction: () => boolean;

  readonly #busyMs: number;

  /** `busyMs`: how long a statement waits for a program that keeps others from writing. */
  constructor(database: Database.Database, busyMs = 0) {
    const { statements, refuseBroken } = withStatementCache(database);
    super({ database: statements });
    this.statements = statements;
    this.refuseBroken = refuseBroken;
    this.#inTransaction = () => database.inTransaction;
    this.#busyMs = busyMs;
  }

  override createAdapter(): DialectAdapter {
    return new TransactionalAdapter();
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.statements, this.#inTransaction, this.#busyMs);
  }
}

/**
 * Kysely takes SQLite for a database whose schema changes do not roll back, which they do. Without this a migration runs
 * outside of a transaction: a crash in it leaves half a schema, and two processes can both be in the middle of it.
 */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * A plain `begin` takes the write lock at its first write: a transaction that has read before then fails with
 * SQLITE_BUSY_SNAPSHOT, whatever the busy time-out. What checks a cap and then adds to it must hold the lock from the start.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #inTransaction: () => boolean;
  readonly #busyMs: number;
  #connection: DatabaseConnection | undefined;

  constructor(database: SqliteDatabase, inTransaction: () => boolean, busyMs: number) {
    super({ database });
    this.#inTransaction = inTransaction;
    this.#busyMs = busyMs;
  }

  /** A connection whose statements wait while another process holds the lock. One within a transaction has the lock already. */
  override async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const direct = await super.acquireConnection();
    this.#connection = {
      executeQuery: (query) =>
        this.#inTransaction()
          ? direct.executeQuery(query)
          : whileBusy(this.#busyMs, () => direct.executeQuery(query)),
      streamQuery: (query, chunkSize) => direct.streamQuery(query, chunkSize),
    };
    return this.#connection;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  /** SQLite has already rolled back after a full disk or an I/O error, and refuses to do it again. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#inTransaction()) await super.rollbackTransaction(connection);
  }
}

/**
 * Statements by their text, prepared once. After the first I/O error every further statement is refused: SQLite reports
 * a failed fsync once and later writes then succeed, although what they stand on may not be on the disk.
 */
function withStatementCache(database: Database.Database): Pick<StoreDialect, "statements" | "refuseBroken"> {
  const prepared = new Map<string, SqliteStatement>();
  let broken: StoreRefused | null = null;

  function refuseBroken(): void {
    if (broken !== null) throw broken;
  }

  function attempt<T>(work: () => T): T {
    refuseBroken();
    try {
      return work();
    } catch (error) {
      const refused = explain(error, database.name);
      if (refused instanceof StoreRefused && refused.code === "store_io") broken = refused;
      throw refused;
    }
  }

  function guarded(statement: Database.Statement): SqliteStatement {
    return {
      reader: statement.reader,
      all: (parameters) => attempt(() => statement.all(parameters)),
      run: (parameters) => attempt(() => statement.run(parameters)),
      iterate: (parameters) => attempt(() => statement.iterate(parameters)) as IterableIterator<unknown>,
    };
  }

  const statements: SqliteDatabase = {
    close: () => {
      prepared.clear();
      database.close();
    },
    prepare: (sql) => {
      let statement = prepared.get(sql);
      if (statement === undefined) {
        statement = guarded(attempt(() => database.prepare(sql)));
        if (prepared.size >= STATEMENTS_MAX) prepared.delete(prepared.keys().next().value ?? "");
        prepared.set(sql, statement);
      }
      return statement;
    },
  };
  return { statements, refuseBroken };
}
