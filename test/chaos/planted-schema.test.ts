import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { refuseForeignSchema } from "../../src/store/sqlite/migrate.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { cases, report } from "../support/chaos.ts";
import { tempDir } from "../support/temp.ts";

/** What somebody who can write the file may add to it, so that afk's own statements do something else. */
const PLANTED: Record<string, string> = {
  "a trigger that clears the switch":
    "create trigger planted after update on kill_switch begin update kill_switch set set_at = null, reason = null; end",
  "a trigger that forgets what is spent":
    "create trigger planted after update on budget_windows begin update budget_windows set settled_micros = 0, reserved_micros = 0; end",
  "a trigger that swallows the ledger":
    "create trigger planted before insert on ledger begin select raise(ignore); end",
  "a view over another table": "create view planted as select * from ledger",
  "a view in the place of the switch":
    "alter table kill_switch rename to other; create view kill_switch as select 1 as id, null as set_at, null as reason",
  "a table of its own": "create table planted (id integer)",
  "an index of its own": "create index planted on ledger (model)",
  "a virtual table": "create virtual table planted using fts5(content)",
  "a column more": "alter table jobs add column planted text",
  "a generated column": "alter table jobs add column planted text generated always as (name) virtual",
  "a column with another name": "alter table outputs rename column content to planted",
  "a table with another name": "alter table steps rename to planted",
  "a column less": "alter table releases drop column reason",
  "an index less": "drop index ledger_open",
  "a table less": "drop table robots",
  "statistics that choose the plans": "analyze",
  "a check that checks nothing": rewritten("ledger", "cost_micros >= 0", "1"),
  "a cap that is no constraint": rewritten("budget_windows", '<= "cap_micros"', '<= "cap_micros" or 1'),
  "another collation": rewritten("jobs", '"key" text not null', '"key" text collate nocase not null'),
  "a default": rewritten("jobs", '"error" text', `"error" text default 'planted'`),
  "migrations that it never had": "delete from kysely_migration where name like '0003%'",
  "no migrations at all": "delete from kysely_migration",
  "no list of migrations": "drop table kysely_migration",
  "a view in the place of the migrations":
    "alter table kysely_migration rename to other; create view kysely_migration as select * from other",
};

function rewritten(table: string, from: string, to: string): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  return `update sqlite_master set sql = replace(sql, ${quote(from)}, ${quote(to)}) where name = '${table}'`;
}

function plant(path: string, statements: string): void {
  const database = new Database(path);
  try {
    database.unsafeMode();
    database.pragma("writable_schema = ON");
    const before = schemaOf(database);
    database.exec(statements);
    expect(schemaOf(database)).not.toBe(before);
    database.pragma("writable_schema = OFF");
    database.pragma("wal_checkpoint(truncate)");
  } finally {
    database.close();
  }
}

function schemaOf(database: Database.Database): string {
  const applied = () => database.prepare("select name from kysely_migration").all();
  const objects = database.prepare("select type, name, sql from sqlite_master").all();
  return JSON.stringify([objects, JSON.stringify(objects).includes('kysely_migration"') ? applied() : []]);
}

it("opens no database that holds what its migrations do not make, and changes nothing in it", async () => {
  const made = join(tempDir(), "made.db");
  await (await openStore(made)).close();
  for (const [what, statements] of Object.entries(PLANTED)) {
    const path = join(tempDir(), "afk.db");
    copyFileSync(made, path);
    plant(path, statements);
    const before = readFileSync(path);
    const refused = await openStore(path).then(
      async (store) => await store.close(),
      (error: unknown) => error,
    );
    expect(refused, what).toMatchObject({ exitCode: 1, retry: "never" });
    expect((refused as Error).message, what).toMatch(/does not belong|was changed|is missing/);
    expect((refused as Error).message, what).toContain("afk restore");
    expect(readFileSync(path).equals(before), what).toBe(true);
  }
  report("planted schema", Object.keys(PLANTED).length);
});

it("sees what is added to a database that is open", async () => {
  const path = join(tempDir(), "afk.db");
  const store = await openStore(path);
  try {
    await refuseForeignSchema(store.db);
    plant(path, PLANTED["a trigger that clears the switch"]!);
    await expect(refuseForeignSchema(store.db)).rejects.toMatchObject({ code: "store_foreign" });
  } finally {
    await store.close();
  }
});

it(
  "neither restores nor works with what was planted in a backup, and can be stopped",
  PROCESSES,
  async () => {
    const server = await ollama();
    const target = deployment(digestConfig(server.url));
    fillInbox(target, 1);
    expect((await target.afk(["stop"])).code).toBe(0);
    expect((await target.afk(["backup", "good.db"])).code).toBe(0);
    const state = join(target.state, "afk.db");
    const names = Object.keys(PLANTED).slice(0, cases({ test: 1, chaos: 99 }));
    for (const what of names) {
      copyFileSync(join(target.dir, "good.db"), join(target.dir, "bad.db"));
      plant(join(target.dir, "bad.db"), PLANTED[what]!);
      const before = readFileSync(state);
      for (const words of [
        ["restore", "bad.db"],
        ["restore", "bad.db", "--force"],
        ["restore", "bad.db", "--dry-run"],
      ]) {
        const refused = await target.afk(words);
        expect(refused.code, what).toBe(1);
        expect(refused.stderr, what).not.toMatch(/^\s+at /m);
      }
      expect(readFileSync(state).equals(before), what).toBe(true);
    }
    // The same, put in the place of the state by hand.
    plant(state, PLANTED["a trigger that clears the switch"]!);
    for (const command of ["tick", "run", "status", "resume"]) {
      const refused = await target.afk([command]);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain('the trigger "planted" of "kill_switch" does not belong');
    }
    expect((await target.afk(["doctor", "--offline"])).stdout).toContain('"planted"');
    expect((await target.afk(["stop"])).code).toBe(0);
    expect(existsSync(join(target.state, "STOP"))).toBe(true);
    expect(server.requests).toEqual([]);

    const mended = await target.afk(["restore", "good.db"]);
    expect(mended).toMatchObject({ code: 0 });
    expect((await target.afk(["status"])).code).toBe(0);
    report("planted backup", names.length);
  },
);
