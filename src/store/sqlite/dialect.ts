import type Database from "better-sqlite3";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
} from "kysely";
import { StoreRefused } from "../errors.ts";
import { whileBusy } from "./busy.ts";
import { explain } from "./errors.ts";
import { CommitGroup } from "./group-commit.ts";

/** Distinct statements afk sends; more than this many and the oldest is prepared again. */
const STATEMENTS_MAX = 300;

/** SQLite as afk needs it: immediate transactions that share a commit, and statements that are prepared once. */
export class StoreDialect extends SqliteDialect {
  /** The same statements to be run without Kysely. */
  readonly statements: SqliteDatabase;
  readonly group: CommitGroup;
  /** @throws StoreRefused after an I/O error, as every statement then does. */
  readonly refuseBroken: () => void;
  readonly #busyMs: number;

  /** `busyMs`: how long a statement waits for a program that keeps others from writing. */
  constructor(database: Database.Database, busyMs = 0) {
    const group = new CommitGroup(database, (sql) => void statements.prepare(sql).run([]));
    const { statements, refuseBroken } = withStatementCache(database, (error) => group.noteFailure(error));
    super({ database: statements });
    this.statements = statements;
    this.group = group;
    this.refuseBroken = refuseBroken;
    this.#busyMs = busyMs;
  }

  override createAdapter(): DialectAdapter {
    return new TransactionalAdapter();
  }

  override createDriver(): Driver {
    return new ImmediateDriver(this.statements, this.group, this.#busyMs);
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
  readonly #statements: SqliteDatabase;
  readonly #group: CommitGroup;
  readonly #busyMs: number;
  #connection: DatabaseConnection | undefined;

  constructor(statements: SqliteDatabase, group: CommitGroup, busyMs: number) {
    super({ database: statements });
    this.#statements = statements;
    this.#group = group;
    this.#busyMs = busyMs;
  }

  /** A connection whose statements wait while another process holds the lock. One within a transaction has the lock already. */
  override async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const direct = await super.acquireConnection();
    this.#connection = {
      executeQuery: async (query) => {
        if (this.#group.isInSection()) {
          this.#group.refuseLost();
          return await direct.executeQuery(query);
        }
        this.#group.commit();
        return await whileBusy(this.#busyMs, () => direct.executeQuery(query));
      },
      streamQuery: (query, chunkSize) => direct.streamQuery(query, chunkSize),
    };
    return this.#connection;
  }

  override async beginTransaction(): Promise<void> {
    const begin = () => void this.#statements.prepare("begin immediate").run([]);
    await this.#group.begin(() => whileBusy(this.#busyMs, begin));
  }

  override async commitTransaction(): Promise<void> {
    this.#group.end();
  }

  override async rollbackTransaction(): Promise<void> {
    this.#group.undo();
  }

  override async destroy(): Promise<void> {
    this.#group.commit();
    await super.destroy();
  }
}

/** What Kysely's own driver does with a compiled query. */
export function executeNow(
  statements: SqliteDatabase,
  { sql, parameters }: CompiledQuery,
): QueryResult<unknown> {
  const statement = statements.prepare(sql);
  if (statement.reader) return { rows: statement.all(parameters) };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

/**
 * Statements by their text, prepared once. After the first I/O error every further statement is refused: SQLite reports
 * a failed fsync once and later writes then succeed, although what they stand on may not be on the disk.
 */
function withStatementCache(
  database: Database.Database,
  onFailure: (error: unknown) => void,
): Pick<StoreDialect, "statements" | "refuseBroken"> {
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
      onFailure(refused);
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
