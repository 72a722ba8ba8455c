// @module-tag processes
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { claim } from "../../src/queue/claim.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { race } from "../support/child.ts";
import { testStore } from "../support/store.ts";

const CHILDREN = fileURLToPath(new URL("children.ts", import.meta.url));
const row = (host: string, next_at: number) => ({ host, next_at });

describe("a transaction", () => {
  test("commits all of its writes together", async () => {
    const store = await testStore();
    const other = await testStore(store.path);
    await store.atomically(async (trx) => {
      await trx.insertInto("host_limits").values(row("a.example", 1)).execute();
      expect(await other.db.selectFrom("host_limits").selectAll().execute()).toEqual([]);
      await trx.insertInto("host_limits").values(row("b.example", 1)).execute();
    });
    expect(await other.db.selectFrom("host_limits").selectAll().execute()).toHaveLength(2);
  });

  test("keeps nothing of work that throws, passes the error on, and the store goes on working", async () => {
    const store = await testStore();
    const failure = new Error("the work failed");
    const work = store.atomically(async (trx) => {
      await trx.insertInto("host_limits").values(row("a.example", 1)).execute();
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toEqual([]);
    await store.atomically((trx) => trx.insertInto("host_limits").values(row("b.example", 1)).execute());
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toHaveLength(1);
  });

  test("keeps nothing when one of its statements breaks a constraint", async () => {
    const store = await testStore();
    const work = store.atomically(async (trx) => {
      await trx.insertInto("host_limits").values(row("a.example", 1)).execute();
      await trx.insertInto("host_limits").values(row("a.example", 2)).execute();
    });
    await expect(work).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toEqual([]);
  });

  test("gives what its work gives", async () => {
    const store = await testStore();
    expect(await store.atomically(async () => 42)).toBe(42);
  });

  test("holds the write lock from its start, before it has written", async () => {
    const store = await testStore();
    const other = await openStore(store.path, 0);
    onTestFinished(() => other.close());
    await store.atomically(async (trx) => {
      await trx.selectFrom("host_limits").selectAll().execute();
      const write = other.db.insertInto("host_limits").values(row("b.example", 1)).execute();
      await expect(write).rejects.toMatchObject({ code: "store_busy" });
      // Had the other one got in, this write would fail with SQLITE_BUSY_SNAPSHOT, whatever the busy time-out.
      await trx.insertInto("host_limits").values(row("a.example", 1)).execute();
    });
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toEqual([row("a.example", 1)]);
  });

  test("is waited for by what another connection writes, in one or by itself, without holding up the process", async () => {
    const store = await testStore();
    const other = await testStore(store.path);
    let isOver = false;
    const waited = [
      () => other.atomically((trx) => trx.insertInto("host_limits").values(row("b.example", 1)).execute()),
      () => other.db.insertInto("host_limits").values(row("c.example", 1)).execute(),
      () => other.atomically((trx) => claim(trx, "runner", 1)),
    ];
    let begun: Promise<boolean>[] = [];
    await store.atomically(async (trx) => {
      await trx.insertInto("host_limits").values(row("a.example", 1)).execute();
      begun = waited.map((work) => work().then(() => isOver));
      // Timers run while they wait; with the wait inside SQLite this would come after its end.
      await new Promise((resolve) => setTimeout(resolve, 200));
      isOver = true;
    });
    expect(await Promise.all(begun)).toEqual([true, true, true]);
  });

  test("loses no other process's write between its own read and write", async () => {
    const store = await testStore();
    await store.db.insertInto("host_limits").values(row("a.example", 0)).execute();
    const results = await race(CHILDREN, [
      ["count", store.path],
      ["count", store.path],
    ]);
    expect(results).toEqual(["counted", "counted"]);
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toEqual([row("a.example", 200)]);
  });

  test("one at a time runs on a connection, in the order they were asked for", async () => {
    const store = await testStore();
    const order: string[] = [];
    const run = (name: string) =>
      store.atomically(async (trx) => {
        order.push(`${name} begins`);
        await trx.selectFrom("kill_switch").selectAll().execute();
        order.push(`${name} ends`);
      });
    await Promise.all([run("first"), run("second")]);
    expect(order).toEqual(["first begins", "first ends", "second begins", "second ends"]);
  });
});

describe("statements that are kept", () => {
  test("give their own results when there are more of them than are kept", async () => {
    const store = await testStore();
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < 700; number++) {
        const { rows } = await sql<{ given: number }>`select ${sql.raw(String(number))} as given`.execute(
          store.db,
        );
        expect(rows).toEqual([{ given: number }]);
      }
    }
  });

  test("give what the table holds now, with the parameters they are given now", async () => {
    const { db } = await testStore();
    const find = (host: string) =>
      db.selectFrom("host_limits").selectAll().where("host", "=", host).execute();
    expect(await find("a.example")).toEqual([]);
    await db.insertInto("host_limits").values(row("a.example", 1)).execute();
    await db.insertInto("host_limits").values(row("b.example", 2)).execute();
    expect(await find("a.example")).toEqual([row("a.example", 1)]);
    expect(await find("b.example")).toEqual([row("b.example", 2)]);
  });

  test("survive a change of the tables by another connection", async () => {
    const store = await testStore();
    const other = await testStore(store.path);
    const read = () => store.db.selectFrom("host_limits").selectAll().execute();
    expect(await read()).toEqual([]);
    await sql`alter table host_limits add column note text`.execute(other.db);
    await sql`insert into host_limits values ('a.example', 1, 'new')`.execute(other.db);
    expect(await read()).toEqual([{ ...row("a.example", 1), note: "new" }]);
  });

  test("that failed can be used again", async () => {
    const { db } = await testStore();
    const insert = (state: "closed" | "shut") =>
      db
        .insertInto("breakers")
        .values({
          name: state,
          state: state as "closed",
          failures: 0,
          until: null,
          cooldown_ms: 1,
          probe: null,
          reason: null,
          updated_at: 1,
        })
        .execute();
    await expect(insert("shut")).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_CHECK" });
    await insert("closed");
    expect(await db.selectFrom("breakers").select("name").execute()).toEqual([{ name: "closed" }]);
  });
});
