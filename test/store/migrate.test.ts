// @module-tag processes
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import type { Db } from "../../src/store/schema.ts";
import { migrate } from "../../src/store/sqlite/migrate.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { race, startChild } from "../support/child.ts";
import { testStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const CHILDREN = fileURLToPath(new URL("children.ts", import.meta.url));

async function tables(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name not like 'kysely_%' and name not like 'sqlite_%'
    order by name`.execute(db);
  return rows.map((row) => row.name);
}

async function applied(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map((row) => row.name);
}

const TABLES = [
  "alert_deliveries",
  "alerts",
  "breakers",
  "budget_clock",
  "budget_windows",
  "clock",
  "clock_days",
  "dead_letters",
  "drafts",
  "drills",
  "host_limits",
  "http_cache",
  "incidents",
  "job_days",
  "jobs",
  "kill_switch",
  "ledger",
  "ledger_days",
  "open_periods",
  "outputs",
  "releases",
  "robots",
  "schedules",
  "seen",
  "steps",
  "taken_names",
  "tick_days",
  "ticks",
];

describe("a database is brought to the newest migration", () => {
  test("a new one gets every table, and a kill switch that is off", async () => {
    const { db } = await testStore();
    expect(await tables(db)).toEqual(expect.arrayContaining(TABLES));
    expect(await applied(db)).toContain("0001-first");
    expect(await db.selectFrom("kill_switch").selectAll().execute()).toEqual([
      { id: 1, set_at: null, reason: null },
    ]);
  });

  test("one that is there already is not changed by being opened again", async () => {
    const path = join(tempDir(), "afk.db");
    await (await openStore(path)).close();
    const before = readFileSync(path);
    await (await openStore(path)).close();
    expect(readFileSync(path)).toEqual(before);
  });

  test("several processes that open a new one at the same moment all succeed", async () => {
    const path = join(tempDir(), "afk.db");
    const results = await race(
      CHILDREN,
      Array.from({ length: 4 }, () => ["open", path]),
    );
    expect(results).toEqual(Array.from({ length: 4 }, () => ({ opened: 1 })));
    const { db } = await testStore(path);
    expect(new Set(await applied(db)).size).toBe((await applied(db)).length);
    expect(await tables(db)).toEqual(expect.arrayContaining(TABLES));
  });

  test.each([
    ["is making", "write-first"],
    ["is busy with for longer than a statement waits", "write-long"],
  ])("one that another process %s is opened when that is done", async (_what, work) => {
    const path = join(tempDir(), "afk.db");
    const other = await startChild(CHILDREN, [work, path]);
    await other.go();
    const { db } = await testStore(path);
    expect(await tables(db)).toEqual(expect.arrayContaining(TABLES));
  });

  test("the next migration is applied to one that has the first", async () => {
    const { db } = await testStore();
    const next = {
      up: async (db: Db) => {
        await db.schema.createTable("later").addColumn("id", "integer").execute();
      },
    };
    await migrate(db, { ...MIGRATIONS, "9999-later": next });
    expect(await tables(db)).toContain("later");
    expect(await applied(db)).toContain("9999-later");
  });

  test("a migration that fails leaves nothing of itself behind", async () => {
    const { db } = await testStore();
    const failure = new Error("the migration failed");
    const broken = {
      up: async (db: Db) => {
        await db.schema.createTable("half").addColumn("id", "integer").execute();
        throw failure;
      },
    };
    await expect(migrate(db, { ...MIGRATIONS, "9999-broken": broken })).rejects.toBe(failure);
    expect(await tables(db)).not.toContain("half");
    expect(await applied(db)).not.toContain("9999-broken");
  });
});

describe("a database with a migration that this code does not know", () => {
  test("is refused by name, and left as it is", async () => {
    const path = join(tempDir(), "afk.db");
    await (await openStore(path)).close();
    const raw = new Database(path);
    raw.exec("insert into kysely_migration values ('9999-tomorrow', '2099-01-01T00:00:00Z')");
    raw.close();
    const before = readFileSync(path);

    const error = await openStore(path).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "store_newer", retry: "never", exitCode: 1 });
    expect((error as Error).message).toContain("9999-tomorrow");
    expect((error as Error).message).not.toContain("0001-first");
    expect(readFileSync(path)).toEqual(before);
  });

  test("is refused also where the known ones come after it", async () => {
    const path = join(tempDir(), "afk.db");
    await (await openStore(path)).close();
    const raw = new Database(path);
    raw.exec("insert into kysely_migration values ('0000-other', '2020-01-01T00:00:00Z')");
    raw.close();
    await expect(openStore(path)).rejects.toMatchObject({ code: "store_newer" });
  });
});
