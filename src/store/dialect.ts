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
import { explain, StoreRefused } from "./errors.ts";

/** Distinct statements afk sends; more than this many and the oldest is prepared again. */
const STATEMENTS_MAX = 300;

/** SQLite as afk needs it: immediate transactions and statements that are prepared once. */
export class StoreDialect extends SqliteDialect {
  /** The same statements for who runs them without Kysely (prepared.ts). */
  readonly statements: SqliteDatabase;
  /** The first I/O error, after which every statement is refused. */
  readonly broken: () => StoreRefused | null;
  readonly #inTransaction: () => boolean;

  constructor(database: Database.Database) {
    const { cached, broken } = withStatementCache(database);
    super({ database: cached });
    this.statements = cached;
    this.broken = broken;
    this.#inTransaction = () => database.inTransaction;
  }

  override createAdapter(): DialectAdapter {
    return new TransactionalAdapter();
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.statements, this.#inTransaction);
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

  constructor(database: SqliteDatabase, inTransaction: () => boolean) {
    super({ database });
    this.#inTransaction = inTransaction;
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
function withStatementCache(database: Database.Database): {
  cached: SqliteDatabase;
  broken: () => StoreRefused | null;
} {
  const statements = new Map<string, SqliteStatement>();
  let broken: StoreRefused | null = null;

  function attempt<T>(work: () => T): T {
    if (broken !== null) throw broken;
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

  const cached: SqliteDatabase = {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare: (sql) => {
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = guarded(attempt(() => database.prepare(sql)));
        if (statements.size >= STATEMENTS_MAX) statements.delete(statements.keys().next().value ?? "");
        statements.set(sql, statement);
      }
      return statement;
    },
  };
  return { cached, broken: () => broken };
}
