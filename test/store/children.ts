import { writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import type { Trx } from "../../src/store/schema.ts";
import { acquireLock, isLocked } from "../../src/store/sqlite/lock.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { onGo } from "../support/child-work.ts";

/** What the store's tests do in a process of its own: `children.ts WORK PATH [PATH]`. */
const WORK: Record<string, (path: string) => Promise<unknown>> = {
  /** Opens the database, and gives the migrations it then holds. */
  async open(path) {
    const store = await openStore(path);
    const rows = await store.db.selectFrom("kill_switch").selectAll().execute();
    return { opened: rows.length };
  },
  /** Opens the database as a user who owns nothing; what is loaded late is loaded before, by opening another one. */
  async "open-as-nobody"(path) {
    const other = await openStore(String(process.argv[4]));
    await other.close();
    if (process.getuid?.() === 0) {
      process.setgroups?.([]);
      process.setgid?.(65534);
      process.setuid?.(65534);
    }
    await openStore(path);
    return "opened";
  },
  /** Reads a number and writes the next one, a hundred times. */
  async count(path) {
    const store = await openStore(path);
    for (let time = 0; time < 100; time++) {
      await store.atomically(async (trx) => {
        const row = await trx.selectFrom("host_limits").selectAll().executeTakeFirstOrThrow();
        await trx
          .updateTable("host_limits")
          .set({ next_at: row.next_at + 1 })
          .execute();
      });
    }
    return "counted";
  },
  /** Is killed when a section has run and the next one of its group has written. Who is told that one succeeded leaves a file. */
  async group(path) {
    const store = await openStore(path);
    const insert = (trx: Trx, host: string) =>
      trx.insertInto("host_limits").values({ host, next_at: 1 }).execute();
    const first = store.atomically((trx) => insert(trx, "a")).then(() => writeFileSync(`${path}.told`, ""));
    const second = store.atomically(async (trx) => {
      await insert(trx, "b");
      process.kill(process.pid, "SIGKILL");
    });
    await Promise.all([first, second]);
  },
  /** Holds the write lock for longer than a statement waits for it, as a migration of a large database does. */
  "write-long": (path) => write(path, "journal_mode = WAL", 6_500),
  /** Writes to a database that is so new that it has no write-ahead log yet. */
  "write-first": (path) => write(path, "auto_vacuum = INCREMENTAL", 1_000),
  /** Takes the lock and keeps it for as long as the process lives. */
  async lock(path) {
    acquireLock(path);
    return "locked";
  },
  async "is-locked"(path) {
    return isLocked(path);
  },
};

/** Holds the write lock of a database that was given this setting first. */
async function write(path: string, setting: string, ms: number): Promise<string> {
  const database = new Database(path);
  database.pragma(setting);
  database.exec("begin immediate");
  setTimeout(() => database.exec("commit"), ms);
  return "writing";
}

const [work = "", path = ""] = process.argv.slice(2);
onGo(() => WORK[work]!(path));
