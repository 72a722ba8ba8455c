// @module-tag processes
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { readKillRow, setKill } from "../../../src/rails/kill.ts";
import type { Db, Trx } from "../../../src/store/schema.ts";
import { afterCommit } from "../../../src/store/store.ts";
import { startChild } from "../../support/child.ts";
import { testStore } from "../../support/store.ts";

const CHILDREN = fileURLToPath(new URL("../children.ts", import.meta.url));

const insert = (trx: Db, host: string) =>
  trx.insertInto("host_limits").values({ host, next_at: 1 }).execute();
const hosts = async (db: Db) =>
  (await db.selectFrom("host_limits").select("host").orderBy("host").execute()).map(({ host }) => host);

/** Two stores on one database: what the second one reads is committed. */
async function twoStores() {
  const store = await testStore();
  return { store, other: await testStore(store.path) };
}

/** Commits are counted by the log's growth: each one with a write ends in a frame that says so. */
async function commitsOf(path: string, work: () => Promise<unknown>): Promise<number> {
  const before = commitFrames(path);
  await work();
  return commitFrames(path) - before;
}

/** https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function commitFrames(path: string): number {
  const log = readFileSync(`${path}-wal`);
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes)
    if (log.compare(log, 16, 24, at + 8, at + 16) === 0 && log.readUInt32BE(at + 4) !== 0) commits += 1;
  return commits;
}

const failing = (work: Promise<unknown>) =>
  work.then(
    () => "succeeded",
    (error: unknown) => error,
  );

describe("sections that run at the same time", () => {
  test("share one commit", async () => {
    const { store } = await twoStores();
    const count = await commitsOf(store.path, () =>
      Promise.all(["a", "b", "c"].map((host) => store.atomically((trx) => insert(trx, host)))),
    );
    expect(count).toBe(1);
    expect(await hosts(store.db)).toEqual(["a", "b", "c"]);
  });

  test("share one commit also where each is asked for by a callback of its own, as requests over the network are", async () => {
    const { store } = await twoStores();
    const asked = (host: string) =>
      new Promise((resolve) => {
        setTimeout(() => resolve(store.atomically((trx) => insert(trx, host))), 20);
      });
    const counts: number[] = [];
    // Timers that were set around the turn of a millisecond fire one after the other, as late requests come.
    for (let tries = 0; tries < 5 && !counts.includes(1); tries++)
      counts.push(
        await commitsOf(store.path, () => Promise.all(["a", "b", "c"].map((n) => asked(`${n}${tries}`)))),
      );
    expect(counts).toContain(1);
  });

  test("share commits of 64 at most", async () => {
    const { store } = await twoStores();
    const names = Array.from({ length: 130 }, (_, n) => `${n}`);
    const count = await commitsOf(store.path, () =>
      Promise.all(names.map((host) => store.atomically((trx) => insert(trx, host)))),
    );
    expect(count).toBe(3);
    expect(await hosts(store.db)).toHaveLength(130);
  });

  test("see what the ones before them wrote, and nobody else does", async () => {
    const { store, other } = await twoStores();
    const seen = await Promise.all([
      store.atomically((trx) => insert(trx, "a")),
      store.atomically(async (trx) => [await hosts(trx), await hosts(other.db)]),
    ]);
    expect(seen[1]).toEqual([["a"], []]);
  });

  test("succeed once their commit can be seen by everybody, in their order", async () => {
    const { store, other } = await twoStores();
    const order: unknown[] = [];
    await Promise.all(
      ["a", "b", "c"].map(async (host) => {
        await store.atomically((trx) => insert(trx, host));
        order.push(host);
        expect(await hosts(other.db)).toEqual(["a", "b", "c"]);
      }),
    );
    expect(order).toEqual(["a", "b", "c"]);
  });

  test("lose nothing to one that throws in the middle, first or last", async () => {
    for (const thrower of [0, 1, 2]) {
      const { store } = await twoStores();
      const results = await Promise.all(
        ["a", "b", "c"].map((host, n) =>
          failing(
            store.atomically(async (trx) => {
              await insert(trx, host);
              if (n === thrower) throw new Error(`${host} failed`);
            }),
          ),
        ),
      );
      const kept = ["a", "b", "c"].filter((_, n) => n !== thrower);
      expect(await hosts(store.db)).toEqual(kept);
      expect(results.map((result) => String(result))).toEqual(
        ["a", "b", "c"].map((host, n) => (n === thrower ? `Error: ${host} failed` : "succeeded")),
      );
    }
  });

  test("go on after a statement that failed and was caught, and after one that was not", async () => {
    const { store } = await twoStores();
    const results = await Promise.all([
      store.atomically((trx) => insert(trx, "a")),
      store.atomically(async (trx) => {
        await insert(trx, "b");
        await expect(insert(trx, "a")).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
        await insert(trx, "c");
      }),
      failing(
        store.atomically(async (trx) => {
          await insert(trx, "d");
          await insert(trx, "a");
        }),
      ),
      store.atomically((trx) => insert(trx, "e")),
    ]);
    expect(results[2]).toMatchObject({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
    expect(await hosts(store.db)).toEqual(["a", "b", "c", "e"]);
  });

  test("all fail with a commit that fails, and the next one commits", async () => {
    const { store, other } = await twoStores();
    const told: string[] = [];
    const results = await Promise.all([
      failing(
        store.atomically(async (trx) => {
          afterCommit(trx, () => void told.push("a"));
          await insert(trx, "a");
        }),
      ),
      failing(
        store.atomically(async (trx) => {
          // SQLite looks at it when it commits, and not before.
          await sql`pragma defer_foreign_keys = on`.execute(trx);
          await sql`insert into steps (job_id, name, result, created_at) values ('none', 'n', '1', 1)`.execute(
            trx,
          );
        }),
      ),
      failing(store.atomically((trx) => insert(trx, "b"))),
    ]);
    for (const result of results) expect(result).toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
    expect([told, await hosts(other.db)]).toEqual([[], []]);
    await store.atomically((trx) => insert(trx, "c"));
    expect(await hosts(other.db)).toEqual(["c"]);
  });

  test("run what waits for their commit afterwards, in the order of the sections", async () => {
    const { store, other } = await twoStores();
    const told: string[] = [];
    const section = (host: string) =>
      store.atomically(async (trx) => {
        afterCommit(trx, () => void told.push(`${host} 1`));
        await insert(trx, host);
        afterCommit(trx, () => void told.push(`${host} 2`));
        expect([told, await hosts(other.db)]).toEqual([[], []]);
      });
    const failed = store.atomically(async (trx) => {
      afterCommit(trx, () => void told.push("never"));
      throw new Error("undo it");
    });
    await Promise.all([section("a"), failing(failed), section("b")]);
    expect(told).toEqual(["a 1", "a 2", "b 1", "b 2"]);
  });
});

describe("a section that nobody waits for", () => {
  test("runs right before the next one and shares its commit", async () => {
    const { store } = await twoStores();
    const seen: string[][] = [];
    const count = await commitsOf(store.path, async () => {
      const soon = store.atomicallySoon((trx) => insert(trx, "soon"));
      const next = store.atomically(async (trx) => void seen.push(await hosts(trx)));
      await Promise.all([soon, next]);
    });
    expect([count, seen]).toEqual([1, [["soon"]]]);
  });

  test("runs by itself where there is no other, and fails by itself", async () => {
    const { store, other } = await twoStores();
    await store.atomicallySoon((trx) => insert(trx, "a"));
    expect(await hosts(other.db)).toEqual(["a"]);
    expect(await failing(store.atomicallySoon((trx) => insert(trx, "a")))).toBeInstanceOf(Error);
    expect(await hosts(other.db)).toEqual(["a"]);
  });
});

describe("a statement beside sections that have run and are not committed", () => {
  test.each(["a read", "a write"])("is %s of what is committed", async (kind) => {
    const { store, other } = await twoStores();
    const first = store.atomically((trx) => insert(trx, "a"));
    const beside = kind === "a read" ? hosts(store.db) : insert(store.db, "b").then(() => hosts(other.db));
    const third = store.atomically((trx) => insert(trx, "c"));
    const seen = await beside;
    await Promise.all([first, third]);
    expect(seen).toEqual(kind === "a read" ? ["a"] : ["a", "b"]);
  });
});

test("what is read as the latest sees them, and neither waits for them nor ends their commit", async () => {
  const { store, other } = await twoStores();
  const first = store.atomically((trx) => setKill(trx, async () => undefined, "test", 1));
  let kill = await readKillRow(store.latest);
  while (kill === null) kill = await readKillRow(store.latest);
  expect([kill.reason, await readKillRow(other.db)]).toEqual(["test", null]);
  await first;
  expect((await readKillRow(other.db))?.reason).toBe("test");
});

describe("a disk that is full in the middle of a group", () => {
  /** From `full` on there is no room, until a section runs for the second time. */
  async function run(isSwallowed: boolean) {
    const { store, other } = await twoStores();
    const runs = { a: 0, full: 0, b: 0 };
    const section = (name: keyof typeof runs, work: (trx: Trx) => Promise<unknown>) =>
      failing(
        store.atomically(async (trx) => {
          runs[name] += 1;
          await work(trx);
        }),
      );
    const results = await Promise.all([
      section("a", (trx) => insert(trx, "a")),
      section("full", async (trx) => {
        const pages = runs.full === 1 ? sql`pragma max_page_count = 1` : sql`pragma max_page_count = 100000`;
        await pages.execute(trx);
        const fill = insert(trx, "x".repeat(1_000_000));
        await (isSwallowed ? fill.catch(() => "swallowed") : fill);
        await insert(trx, "full");
      }),
      section("b", (trx) => insert(trx, "b")),
    ]);
    return { results, runs, found: (await hosts(other.db)).filter((host) => host.length < 10) };
  }

  test.each([false, true])(
    "runs those again that were rolled back (its error was caught: %s)",
    async (is) => {
      const { results, runs, found } = await run(is);
      expect(results).toEqual(["succeeded", "succeeded", "succeeded"]);
      expect(found).toEqual(["a", "b", "full"]);
      expect([runs.a, runs.full]).toEqual([2, 2]);
    },
  );
});

test("a transaction that is begun by hand, as a migration's is, fails with its commit", async () => {
  const { store, other } = await twoStores();
  const work = store.db.transaction().execute(async (trx) => {
    await insert(trx, "a");
    await sql`pragma defer_foreign_keys = on`.execute(trx);
    await sql`insert into steps (job_id, name, result, created_at) values ('none', 'n', '1', 1)`.execute(trx);
  });
  await expect(work).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
  expect(await hosts(other.db)).toEqual([]);
});

test("a section that cannot begin keeps those before it from nothing", async () => {
  const { store, other } = await twoStores();
  await store.db.destroy();
  const late = failing(store.atomically((trx) => insert(trx, "a")));
  expect(await late).toBeInstanceOf(Error);
  expect(await hosts(other.db)).toEqual([]);
});

test("a section's statements after its end are refused, and are in nobody else's", async () => {
  const { store } = await twoStores();
  let leaked: Trx | undefined;
  await Promise.all([
    store.atomically(async (trx) => {
      leaked = trx;
    }),
    store.atomically(async () => {
      await expect(insert(leaked!, "late")).rejects.toThrow();
    }),
  ]);
  expect(await hosts(store.db)).toEqual([]);
});

test("a process that is killed before the commit loses the whole group, and has told nobody that it succeeded", async () => {
  const { store } = await twoStores();
  const child = await startChild(CHILDREN, ["group", store.path]);
  await expect(child.go()).rejects.toThrow(/ended/);
  expect(existsSync(`${store.path}.told`)).toBe(false);
  expect(await hosts(store.db)).toEqual([]);
});
