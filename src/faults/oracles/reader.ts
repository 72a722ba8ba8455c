import Database from "better-sqlite3";

/** The database of the agent as seen by code that trusts none of the agent's: a connection that only reads what is committed. */
export interface Reader {
  all<Row>(sql: string, ...parameters: unknown[]): Row[];
  one<Row>(sql: string, ...parameters: unknown[]): Row | undefined;
  [Symbol.dispose](): void;
}

/** @param outside wraps what a simulated disk must not count as a step of the agent. */
export function openReader(path: string, outside: <T>(work: () => T) => T = (work) => work()): Reader {
  const database = outside(() => new Database(path, { readonly: true, fileMustExist: true }));
  const statements = new Map<string, Database.Statement>();
  const prepared = (sql: string) => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    all: (sql, ...parameters) => outside(() => prepared(sql).all(...parameters)) as never,
    one: (sql, ...parameters) => outside(() => prepared(sql).get(...parameters)) as never,
    [Symbol.dispose]: () => void outside(() => database.close()),
  };
}
