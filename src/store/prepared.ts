import {
  type Compilable,
  type CompiledQuery,
  type QueryResult,
  type RawBuilder,
  type SqliteDatabase,
  sql,
} from "kysely";
import type { Db, Trx } from "./schema.ts";

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
    const statements = open.get(db);
    if (statements === undefined) return db.executeQuery({ ...compiled, parameters });
    return runNow<Row>(statements, compiled.sql, parameters);
  };
}

/** A value that is compared for less or more, for which SQLite shall not plan anew: it does so for a bare one. */
export function unplanned<Value>(value: Value): RawBuilder<Value> {
  return sql<Value>`+${value}`;
}

const PLACES: object = new Proxy({}, { get: (_target, name) => new Place(String(name)) });

/** The connections of the transactions that are open. */
const open = new WeakMap<Db, SqliteDatabase>();

/**
 * While `work` runs, prepared queries of the transaction go to SQLite at once. It holds the connection, so there is
 * nothing to wait for, and the way through Kysely's executor takes several times what a short statement does. Outside of
 * a transaction there is no such way: another one could be open on the same connection, and would be joined.
 */
export async function withStatements<T>(
  trx: Trx,
  statements: SqliteDatabase,
  work: () => Promise<T>,
): Promise<T> {
  open.set(trx, statements);
  try {
    return await work();
  } finally {
    open.delete(trx);
  }
}

/** What Kysely's own driver does with a compiled query. */
function runNow<Row>(statements: SqliteDatabase, text: string, parameters: unknown[]): QueryResult<Row> {
  const statement = statements.prepare(text);
  if (statement.reader) return { rows: statement.all(parameters) as Row[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}
