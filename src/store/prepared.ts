import { type Compilable, type CompiledQuery, type QueryResult, type RawBuilder, sql } from "kysely";
import type { Db } from "./schema.ts";

/** Where a value goes in a query that is compiled before the value is known. */
class Placeholder {
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
  const compiled = new Map<unknown, CompiledQuery<Row>>();
  return async (db, values) => {
    const dialect = db.getExecutor().adapter.constructor;
    let query = compiled.get(dialect);
    if (query === undefined) {
      query = build(db, PLACEHOLDERS as Values).compile();
      compiled.set(dialect, query);
    }
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    );
    const execute = executors.get(db);
    return (await (execute ?? db.executeQuery.bind(db))({ ...query, parameters })) as QueryResult<Row>;
  };
}

/** A number that is compared for less or more, for which SQLite shall not plan anew: it does so for a bare one. */
export function unplanned(value: number): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`;
}

const PLACEHOLDERS: object = new Proxy({}, { get: (_target, name) => new Placeholder(String(name)) });

type Execute = (query: CompiledQuery) => QueryResult<unknown> | Promise<QueryResult<unknown>>;

/** How prepared queries of a database, or of an open section, run where that is not by Kysely's own executor. */
const executors = new WeakMap<Db, Execute>();

/** For an engine that runs a compiled query faster than Kysely's executor does, which takes several times what a short statement does. */
export function executePreparedBy(db: Db, execute: Execute): void {
  executors.set(db, execute);
}
