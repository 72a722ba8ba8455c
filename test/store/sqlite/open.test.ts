// @module-tag processes
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { StoreRefused } from "../../../src/store/errors.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { startChild } from "../../support/child.ts";
import { testStore } from "../../support/store.ts";
import { tempDir } from "../../support/temp.ts";

const CHILDREN = fileURLToPath(new URL("../children.ts", import.meta.url));

async function pragma(store: Store, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(store.db);
  return Object.values(rows[0] ?? {})[0];
}

/** The refusal with which the store at `path` is not opened. */
async function refusal(path: string): Promise<StoreRefused> {
  const store = await openStore(path).catch((error: unknown) => error);
  if (store instanceof StoreRefused) return store;
  throw new Error(`expected a refusal: ${store}`);
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

async function closedStore(path: string): Promise<void> {
  const store = await openStore(path);
  await store.close();
}

async function fillWithSeen(store: Store, count: number): Promise<void> {
  const seen = Array.from({ length: count }, (_, index) => ({
    job_name: "digest",
    key: `key-${index}-${"x".repeat(200)}`,
    seen_at: index,
  }));
  for (const row of seen) await store.db.insertInto("seen").values(row).execute();
}

describe("every connection is set up", () => {
  const EXPECTED = {
    journal_mode: "wal",
    synchronous: 2,
    foreign_keys: 1,
    fullfsync: 1,
    trusted_schema: 0,
    busy_timeout: 50,
    auto_vacuum: 2,
  };

  test.each(Object.entries(EXPECTED))("a new database has %s = %s", async (name, value) => {
    expect(await pragma(await testStore(), name)).toBe(value);
  });

  test.each(Object.entries(EXPECTED))("a database that is opened again has %s = %s", async (name, value) => {
    const path = join(tempDir(), "afk.db");
    await closedStore(path);
    expect(await pragma(await testStore(path), name)).toBe(value);
  });

  test("a database that another connection holds open in WAL mode is written with full sync too", async () => {
    const first = await testStore();
    const second = await testStore(first.path);
    expect(await pragma(second, "synchronous")).toBe(2);
    expect(await pragma(second, "journal_mode")).toBe("wal");
  });

  test("a database that was left in another journal mode is brought to WAL", async () => {
    const path = join(tempDir(), "afk.db");
    await closedStore(path);
    const raw = new Database(path);
    raw.pragma("journal_mode = DELETE");
    raw.close();
    expect(await pragma(await testStore(path), "journal_mode")).toBe("wal");
  });

  test("a row that refers to nothing is refused", async () => {
    const { db } = await testStore();
    const step = { job_id: "none", name: "fetch", result: "null", created_at: 1 };
    await expect(db.insertInto("steps").values(step).execute()).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT_FOREIGNKEY",
    });
  });
});

describe("what is not there yet is made", () => {
  test("missing folders above the database are made", async () => {
    const path = join(tempDir(), "var", "lib", "afk", "afk.db");
    await closedStore(path);
    expect(existsSync(path)).toBe(true);
  });

  test("what was committed is there after the store is opened again", async () => {
    const path = join(tempDir(), "afk.db");
    const store = await openStore(path);
    await store.db.insertInto("host_limits").values({ host: "example.org", next_at: 7 }).execute();
    await store.close();
    const again = await testStore(path);
    expect(await again.db.selectFrom("host_limits").selectAll().execute()).toEqual([
      { host: "example.org", next_at: 7 },
    ]);
  });
});

describe("what is no database of afk's is refused and left as it is", () => {
  test.each([
    ["a short text", Buffer.from("not a database")],
    ["a page of text", Buffer.alloc(8_192, "agent: morning-digest\n")],
    ["a database header followed by noise", Buffer.concat([Buffer.from("SQLite format 3\0"), noise(8_192)])],
  ])("%s", async (_name, bytes) => {
    const path = join(tempDir(), "afk.db");
    writeFileSync(path, bytes);
    const error = await refusal(path);
    expect(error).toMatchObject({ code: "store_damaged", retry: "never", exitCode: 1 });
    expect(error.message).toContain(path);
    expect(error.message).toContain("Restore a backup");
    expect(readFileSync(path)).toEqual(bytes);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("a database that was cut off in the middle", async () => {
    const path = join(tempDir(), "afk.db");
    const store = await openStore(path);
    await fillWithSeen(store, 200);
    await store.close();
    truncateSync(path, 6_000);
    const before = hashOf(path);
    expect(await refusal(path)).toMatchObject({ code: "store_damaged" });
    expect(hashOf(path)).toBe(before);
  });

  test("a database whose first table page was overwritten", async () => {
    const path = join(tempDir(), "afk.db");
    await closedStore(path);
    const bytes = readFileSync(path);
    noise(3_900).copy(bytes, 100);
    writeFileSync(path, bytes);
    expect(await refusal(path)).toMatchObject({ code: "store_damaged" });
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("a folder where the database should be", async () => {
    const path = join(tempDir(), "afk.db");
    mkdirSync(path);
    expect(await refusal(path)).toMatchObject({ code: "store_unwritable", exitCode: 1 });
  });

  test("a file where the folder should be", async () => {
    const file = join(tempDir(), "state");
    writeFileSync(file, "");
    expect(await refusal(join(file, "afk.db"))).toMatchObject({ code: "store_unwritable" });
    expect(await refusal(join(file, "deeper", "afk.db"))).toMatchObject({ code: "store_unwritable" });
    expect(readFileSync(file, "utf8")).toBe("");
  });
});

describe("a state that this user cannot write is refused", () => {
  /** Opens `path` in a process of a user who owns nothing, or of this user if that is not root. */
  async function openAsNobody(path: string): Promise<unknown> {
    const child = await startChild(CHILDREN, ["open-as-nobody", path, join(tempDir(), "afk.db")]);
    return await child.go();
  }

  test("a new database in a folder without write permission", async () => {
    const dir = tempDir();
    chmodSync(dir, 0o555);
    expect(await openAsNobody(join(dir, "afk.db"))).toMatchObject({ code: "store_unwritable" });
    expect(existsSync(join(dir, "afk.db"))).toBe(false);
  });

  test("a folder that cannot be made", async () => {
    const dir = tempDir();
    chmodSync(dir, 0o555);
    expect(await openAsNobody(join(dir, "state", "afk.db"))).toMatchObject({ code: "store_unwritable" });
  });

  test("an existing database without write permission, which is left as it is", async () => {
    const dir = tempDir();
    const path = join(dir, "afk.db");
    await closedStore(path);
    const before = hashOf(path);
    chmodSync(path, 0o444);
    chmodSync(dir, 0o555);
    expect(await openAsNobody(path)).toMatchObject({ code: "store_unwritable" });
    expect(hashOf(path)).toBe(before);
  });

  test("an existing database in a folder without write permission", async () => {
    const dir = tempDir();
    const path = join(dir, "afk.db");
    await closedStore(path);
    chmodSync(path, 0o666);
    chmodSync(dir, 0o555);
    expect(await openAsNobody(path)).toMatchObject({ code: "store_unwritable" });
  });
});

describe("the data version", () => {
  test("changes when another connection commits, and only then", async () => {
    const store = await testStore();
    const other = await testStore(store.path);
    const before = await store.changes.seen();
    await store.db.insertInto("host_limits").values({ host: "own.example", next_at: 1 }).execute();
    expect(await store.changes.seen()).toBe(before);
    await other.db.selectFrom("host_limits").selectAll().execute();
    expect(await store.changes.seen()).toBe(before);
    await other.db.insertInto("host_limits").values({ host: "other.example", next_at: 1 }).execute();
    expect(await store.changes.seen()).not.toBe(before);
  });
});

/** Bytes without a pattern, the same in every run. */
function noise(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7_919 + 101 * (index % 13)) % 256));
}
