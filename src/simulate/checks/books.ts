import Database from "better-sqlite3";
import type { Disk } from "../environment/disk.ts";

/**
 * The database of the agent as somebody sees it who trusts none of its code: a connection of its own, which reads what
 * is committed and nothing else.
 */
export interface Books {
  all<Row>(sql: string, ...parameters: unknown[]): Row[];
  one<Row>(sql: string, ...parameters: unknown[]): Row | undefined;
  close(): void;
}

export function openBooks(path: string, disk: Disk): Books {
  const database = disk.outside(() => new Database(path, { readonly: true, fileMustExist: true }));
  const statements = new Map<string, Database.Statement>();

  function prepared(sql: string): Database.Statement {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = disk.outside(() => database.prepare(sql));
      statements.set(sql, statement);
    }
    return statement;
  }

  return {
    all: <Row>(sql: string, ...parameters: unknown[]) => prepared(sql).all(...parameters) as Row[],
    one: <Row>(sql: string, ...parameters: unknown[]) => prepared(sql).get(...parameters) as Row | undefined,
    close: () => void database.close(),
  };
}
