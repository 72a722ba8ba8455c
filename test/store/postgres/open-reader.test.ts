// @module-tag processes
// @module-tag slow
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { MIGRATIONS } from "../../../src/store/migrations.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { openPostgresReader } from "../../../src/store/postgres/open-reader.ts";
import type { Db } from "../../../src/store/schema.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

async function target() {
  return { url: await freshDatabase(), schema: "afk_test" };
}

function readerOf(where: Awaited<ReturnType<typeof target>>) {
  const reader = openPostgresReader(where);
  onTestFinished(() => reader.close());
  return reader;
}

async function opened() {
  const where = await target();
  const store = await openPostgresStore(where);
  onTestFinished(() => store.close());
  return { where, store, reader: readerOf(where) };
}

const count = async (db: Db) => (await db.selectFrom("meta").selectAll().execute()).length;

describe.skipIf(problem !== null)(`a reader of PostgreSQL${skipped}`, () => {
  test.each([
    "update kill_switch set set_at = 1",
    "insert into meta values ('a', 1)",
    "delete from kill_switch",
    "drop table meta",
    "create table mine (a integer)",
    "set transaction read write; delete from kill_switch",
  ])("cannot: %s", async (statement) => {
    const { store, reader } = await opened();
    await expect(reader.read((db) => sql.raw(statement).execute(db))).rejects.toThrow();
    const row = await store.db.selectFrom("kill_switch").selectAll().executeTakeFirstOrThrow();
    expect(row.set_at).toBeNull();
    // The next one finds the session in order.
    expect(await reader.read(count)).toBe(0);
  });

  test("everything that is read at once is of one moment, and what comes after is seen by the next", async () => {
    const { store, reader } = await opened();
    const before = await reader.changes.seen();
    const seen = await reader.read(async (db) => {
      const first = await count(db);
      await store.atomically((trx) => trx.insertInto("meta").values({ key: "new", value: 1 }).execute());
      return [first, await count(db)];
    });
    expect(seen).toEqual([0, 0]);
    expect(await reader.read(count)).toBe(1);
    await expect.poll(() => reader.changes.seen()).toBeGreaterThan(before);
    expect(reader.isReplaced()).toBe(false);
  });

  test("readings wait for each other, and one that fails does not stop the next", async () => {
    const { reader } = await opened();
    const failing = reader.read(async () => {
      throw new Error("on purpose");
    });
    const next = reader.read(count);
    await expect(failing).rejects.toThrow("on purpose");
    expect(await next).toBe(0);
  });

  test("makes nothing in a database that has no schema yet", async () => {
    const where = await target();
    const reader = readerOf(where);
    expect(await reader.read(reader.isMigrated)).toBe(false);
    const schemas = await reader.read((db) =>
      sql<{ name: string }>`select nspname as name from pg_namespace where nspname = ${where.schema}`.execute(
        db,
      ),
    );
    expect(schemas.rows).toEqual([]);
  });

  test("says what to do about an older schema and a newer one", async () => {
    const { store, reader } = await opened();
    expect(await reader.read(reader.isMigrated)).toBe(true);
    const last = Object.keys(MIGRATIONS).at(-1);
    await sql`delete from kysely_migration where name = ${last}`.execute(store.db);
    await expect(reader.read(reader.isMigrated)).rejects.toMatchObject({
      code: "store_older",
      message: expect.stringContaining("afk run does that"),
    });
    await sql`insert into kysely_migration values ('9999-later', '2026-11-21')`.execute(store.db);
    await expect(reader.read(reader.isMigrated)).rejects.toMatchObject({ code: "store_newer" });
  });

  test("a database that is away is said to be, without its password", async () => {
    const reader = readerOf({ url: "postgres://me:geheim@127.0.0.1:1/none", schema: "afk_test" });
    const looked = reader.read(count);
    await expect(looked).rejects.toMatchObject({ exitCode: 69, code: "store_unreachable" });
    await expect(looked).rejects.not.toThrow("geheim");
  });
});
