import type { Compilable, CompiledQuery, QueryResult } from "kysely";
import type { Db } from "./schema.ts";

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
 */
export function prepared<Values extends object, Row>(
  build: (db: Db, values: Values) => Compilable<Row>,
): (db: Db, values: Values) => Promise<QueryResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return (db, values) => {
    compiled ??= build(db, PLACES as Values).compile();
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Place ? values[parameter.name as keyof Values] : parameter,
    );
    return db.executeQuery({ ...compiled, parameters });
  };
}

const PLACES: object = new Proxy({}, { get: (_target, name) => new Place(String(name)) });
