import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import Database from "better-sqlite3";

/** What watches a process at the moments that decide what a crash leaves behind. */
interface StepHooks {
  /**
   * Around a durable step: a commit of something, a statement that writes outside of a transaction, a file that takes its
   * name. `label` says which: `commit ledger+jobs`, `write jobs`, `rename digest.md`.
   */
  durable<T>(label: string, work: () => T): T;
  /** Before anything is asked of a database. */
  use?(database: Database.Database): void;
  /** Before a write or a commit; what it throws is the statement's error. */
  write?(database: Database.Database): void;
}

const WRITE = /^\s*(?:insert(?: or \w+)? into|update|delete from|replace into)\s+"?(\w+)/i;
const COMMIT = /^\s*commit\b/i;

/** Replaces, in this thread and for good, the functions by which a process makes something last. */
export function watchDurableSteps(hooks: StepHooks): void {
  watchDatabases(hooks);
  const { renameSync } = fs;
  fs.renameSync = (from, to) => {
    const name = basename(String(to)).replace(/\d{4}-\d\d-\d\d/, "DATE");
    hooks.durable(`rename ${name}`, () => renameSync(from, to));
  };
  syncBuiltinESMExports();
}

function watchDatabases({ durable, use, write }: StepHooks): void {
  const { prepare, exec, pragma } = Database.prototype;
  const written = new WeakMap<Database.Database, Set<string>>();

  function run<T>(database: Database.Database, sql: string, work: () => T): T {
    use?.(database);
    const table = WRITE.exec(sql)?.[1];
    if (table === undefined && !COMMIT.test(sql)) return work();
    try {
      write?.(database);
    } catch (error) {
      written.delete(database);
      throw error;
    }
    const tables = written.get(database) ?? new Set();
    if (table !== undefined && database.inTransaction) {
      written.set(database, tables.add(table));
      return work();
    }
    if (table === undefined && tables.size === 0) return work();
    written.delete(database);
    return durable(table === undefined ? `commit ${[...tables].join("+")}` : `write ${table}`, work);
  }

  Database.prototype.prepare = function (this: Database.Database, sql: string) {
    use?.(this);
    const statement = prepare.call(this, sql);
    for (const verb of ["run", "all", "get", "iterate"] as const) {
      const original = statement[verb].bind(statement) as (...parameters: unknown[]) => unknown;
      Object.defineProperty(statement, verb, {
        value: (...parameters: unknown[]) => run(this, sql, () => original(...parameters)),
      });
    }
    return statement;
  } as typeof prepare;
  Database.prototype.exec = function (this: Database.Database, sql: string) {
    return run(this, sql, () => exec.call(this, sql));
  };
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    use?.(this);
    return pragma.call(this, source, options);
  };
}
