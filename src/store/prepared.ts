import {
  type Compilable,
  type CompiledQuery,
  type QueryResult,
  type RawBuilder,
  type SqliteDatabase,
  sql,
} from "kysely";
import type { Db, Trx } from "./schema.ts";
import { whileBusy } from "./sqlite/busy.ts";

/** Where a value goes in a query that is compiled before the value is known. */
class Place {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A query that is built and compiled at its first run and then only given its values: building one anew costs several
 * times what SQLite takes for it. `build` gets a stand-in for each value, which it may only put where a value goes; what
 * depends on a value otherwise (a column that is set or not) makes two queries.
 *
 * SQLite keeps its plan from one run to the next unless a value could have changed it; planning takes it longer than most
 * of these queries. So what is the same each time stands in the text (`sql.lit`), a `limit` above all, and what an index
 * is searched by for less or more is `unplanned`.
 */
export function prepared<Values extends object, Row>(
  build: (db: Db, values: Values) => Compilable<Row>,
): (db: Db, values: Values) => Promise<QueryResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, values) => {
    compiled ??= build(db, PLACES as Values).compile();
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Place ? values[parameter.name as keyof Values] : parameter,
    );
    const query = { ...compiled, parameters };
    const way = ways.get(db);
    if (way === undefined) return db.executeQuery(query);
    // Asked anew each time: while it waited a transaction may have begun on the connection.
    return whileBusy(way.busyMs, () =>
      way.isFree() ? runNow<Row>(way.statements, query.sql, parameters) : db.executeQuery(query),
    );
  };
}

/** A value that is compared for less or more, for which SQLite shall not plan anew: it does so for a bare one. */
export function unplanned<Value>(value: Value): RawBuilder<Value> {
  return sql<Value>`+${value}`;
}

const PLACES: object = new Proxy({}, { get: (_target, name) => new Place(String(name)) });

/** Where the prepared queries of a database, or of an open transaction, may run without Kysely. */
const ways = new WeakMap<Db, { statements: SqliteDatabase; isFree(): boolean; busyMs: number }>();

/**
 * Lets prepared queries of `db` go to SQLite at once, since the way through Kysely's executor takes several times what a
 * short statement does. While a transaction is open on the connection they wait their turn there: they would join it.
 */
export function withDirectWay(
  db: Db,
  statements: SqliteDatabase,
  isInTransaction: () => boolean,
  busyMs: number,
): void {
  ways.set(db, { statements, isFree: () => !isInTransaction(), busyMs });
}

/** The same for those of a transaction while `work` runs. It holds the connection, so there is nothing to wait for. */
export async function withinTransaction<T>(
  trx: Trx,
  statements: SqliteDatabase,
  work: () => Promise<T>,
): Promise<T> {
  ways.set(trx, { statements, isFree: () => true, busyMs: 0 });
  try {
    return await work();
  } finally {
    ways.delete(trx);
  }
}

/** What Kysely's own driver does with a compiled query. */
function runNow<Row>(statements: SqliteDatabase, text: string, parameters: unknown[]): QueryResult<Row> {
  const statement = statements.prepare(text);
  if (statement.reader) return { rows: statement.all(parameters) as Row[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}
