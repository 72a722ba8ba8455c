import fs, { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
import Database from "better-sqlite3";

/*
 * Loaded before afk (`node --import`): counts the durable steps of the process, which are the commits of the database,
 * statements that write outside of a transaction, and what the file system is told to keep. CRASH_LOG gets a line a
 * step, before it; CRASH_AT (`7:before`, `7:after`) kills the process around the step of that number.
 */

const [crashStep = "0", crashSide = ""] = (process.env.CRASH_AT ?? "").split(":");
const log = process.env.CRASH_LOG ?? "";
let step = 0;
let written: string[] = [];

if (isMainThread && log !== "") {
  watchDatabase();
  watchFiles();
}

function durable<T>(label: string, work: () => T): T {
  step += 1;
  appendFileSync(log, `${label}\n`);
  if (step === Number(crashStep) && crashSide === "before") die();
  const result = work();
  if (step === Number(crashStep) && crashSide === "after") die();
  return result;
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

function watchDatabase(): void {
  const prepare = Database.prototype.prepare;
  Database.prototype.prepare = function (this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql);
    const table = /^\s*(?:insert into|update|delete from)\s+"?(\w+)/i.exec(sql)?.[1];
    const isCommit = /^\s*commit\b/i.test(sql);
    if (table === undefined && !isCommit) return statement;
    for (const verb of ["run", "all"] as const) {
      const original = statement[verb].bind(statement) as (...parameters: unknown[]) => unknown;
      Object.defineProperty(statement, verb, {
        value: (...parameters: unknown[]) => {
          if (table !== undefined && this.inTransaction) {
            written.push(table);
            return original(...parameters);
          }
          if (isCommit && written.length === 0) return original(...parameters);
          const label = isCommit ? `commit ${[...new Set(written)].join("+")}` : `write ${table}`;
          if (isCommit) written = [];
          return durable(label, () => original(...parameters));
        },
      });
    }
    return statement;
  } as typeof prepare;
}

function watchFiles(): void {
  const { renameSync, fsyncSync } = fs;
  const name = (path: unknown) =>
    String(path)
      .split("/")
      .at(-1)
      ?.replace(/\d{4}-\d\d-\d\d/, "DATE");
  fs.renameSync = (from, to) => durable(`rename ${name(to)}`, () => renameSync(from, to));
  fs.fsyncSync = (descriptor) => durable("fsync", () => fsyncSync(descriptor));
  syncBuiltinESMExports();
}
