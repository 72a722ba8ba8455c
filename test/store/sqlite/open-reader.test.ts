import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import type { Reader } from "../../../src/store/reader.ts";
import { openReader } from "../../../src/store/sqlite/open-reader.ts";
import { testStore } from "../../support/store.ts";
import { tempDir } from "../../support/temp.ts";

function reader(path: string): Reader {
  const opened = openReader(path);
  onTestFinished(() => opened.close());
  return opened;
}

test.each([
  "update kill_switch set set_at = 1",
  "insert into meta values ('a', 1)",
  "delete from kill_switch",
  "drop table meta",
  "create table mine (a)",
  "create temp table mine (a)",
  "pragma user_version = 7",
  "begin immediate",
])("cannot: %s", async (statement) => {
  const store = await testStore();
  const before = await store.changes.seen();
  const attempt = reader(store.path).read((db) => sql.raw(statement).execute(db));
  await expect(attempt).rejects.toThrow();
  expect(await store.changes.seen()).toBe(before);
  const row = await store.db.selectFrom("kill_switch").selectAll().executeTakeFirstOrThrow();
  expect(row.set_at).toBeNull();
});

test("everything that is read at once is of one moment, and what comes after is seen by the next", async () => {
  const store = await testStore();
  const opened = reader(store.path);
  const count = (db: Parameters<Parameters<Reader["read"]>[0]>[0]) =>
    db
      .selectFrom("meta")
      .selectAll()
      .execute()
      .then((rows) => rows.length);
  const version = await opened.changes.seen();
  const seen = await opened.read(async (db) => {
    const before = await count(db);
    await store.db.insertInto("meta").values({ key: "new", value: 1 }).execute();
    return [before, await count(db)];
  });
  expect(seen).toEqual([0, 0]);
  expect(await opened.read(count)).toBe(1);
  expect(await opened.changes.seen()).not.toBe(version);
});

test("readings wait for each other, and one that fails does not stop the next", async () => {
  const store = await testStore();
  const opened = reader(store.path);
  const failing = opened.read(async () => {
    throw new Error("on purpose");
  });
  const next = opened.read(async (db) => (await db.selectFrom("kill_switch").selectAll().execute()).length);
  await expect(failing).rejects.toThrow("on purpose");
  expect(await next).toBe(1);
});

test("a file that was put in the place of the open one is noticed", async () => {
  const store = await testStore();
  const opened = reader(store.path);
  expect(opened.isReplaced()).toBe(false);
  copyFileSync(store.path, `${store.path}.copy`);
  renameSync(`${store.path}.copy`, store.path);
  expect(opened.isReplaced()).toBe(true);
  rmSync(store.path);
  expect(opened.isReplaced()).toBe(true);
});

test("what is no database, or not there, is refused and not made", () => {
  const path = join(tempDir(), "afk.db");
  expect(() => openReader(path)).toThrow("cannot write");
  writeFileSync(path, "this is no database, but long enough to be taken for the head of one".repeat(20));
  expect(() => openReader(path)).toThrow("is not a database");
});
