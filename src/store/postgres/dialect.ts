import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresIntrospector,
  type Transaction,
} from "kysely";
import { executePreparedBy } from "../prepared.ts";
import type { Db, Schema } from "../schema.ts";
import { hintBy, rememberBy } from "../store.ts";
import { Adapter, Compiler } from "./compiler.ts";
import type { Session } from "./session.ts";

/** Where statements get a connection from, and give it back. */
export interface Connections {
  take(): Promise<DatabaseConnection>;
  giveBack(connection: DatabaseConnection): void;
  /** What Kysely's own transactions begin and end with; sections have theirs (sections.ts). */
  begin(connection: DatabaseConnection): Promise<void>;
  commit(connection: DatabaseConnection): Promise<void>;
  rollback(connection: DatabaseConnection): Promise<void>;
}

/** Kysely on PostgreSQL by connections of one's own. */
export function openKysely(connections: Connections): Db {
  const driver: Driver = {
    async init() {},
    acquireConnection: () => connections.take(),
    beginTransaction: (connection) => connections.begin(connection),
    commitTransaction: (connection) => connections.commit(connection),
    rollbackTransaction: (connection) => connections.rollback(connection),
    async releaseConnection(connection) {
      connections.giveBack(connection);
    },
    async destroy() {},
  };
  const dialect: Dialect = {
    createAdapter: () => new Adapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new Compiler(),
  };
  return new Kysely<Schema>({ dialect });
}

/** By a session that nobody else uses meanwhile: what begins and ends a transaction of it is somebody else. */
export function aloneOn(session: Session): Db {
  const nothing = async () => undefined;
  const [begin, commit, rollback] = [nothing, nothing, nothing];
  return openKysely({ take: async () => session, giveBack: () => undefined, begin, commit, rollback });
}

const transactions = new WeakMap<Session, Db>();

/**
 * Does `work` with what Kysely takes for a transaction of this session. It was begun already, and is ended by whoever did that: several
 * sections share it.
 */
export async function within<T>(
  session: Session,
  work: (root: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  let db = transactions.get(session);
  if (db === undefined) {
    db = aloneOn(session);
    transactions.set(session, db);
  }
  return await db.transaction().execute(work);
}

/** A transaction as one section sees it. `remember` is called where it asks that its commit be remembered. */
export function sectionOf(
  root: Transaction<Schema>,
  session: Session,
  remember?: () => void,
): Transaction<Schema> {
  const trx = root.withoutPlugins();
  executePreparedBy(trx, (query) => session.executeQuery(query));
  hintBy(trx, () => session.hint());
  if (remember !== undefined) rememberBy(trx, remember);
  return trx;
}
