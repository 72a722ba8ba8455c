import { describe, expect, test } from "vitest";
import { prepared } from "../../src/store/prepared.ts";
import { testStore } from "../support/store.ts";

const insert = prepared((db, seen: { job: string; key: string; at: number }) =>
  db.insertInto("seen").values({ job_name: seen.job, key: seen.key, seen_at: seen.at }),
);
const select = prepared((db, seen: { job: string }) =>
  db.selectFrom("seen").select("key").where("job_name", "=", seen.job).orderBy("key"),
);

describe("a prepared query", () => {
  test("takes other values at each run, each in its own place", async () => {
    const { db } = await testStore();
    expect((await insert(db, { job: "a", key: "1", at: 1 })).numAffectedRows).toBe(1n);
    await insert(db, { job: "b", key: "2", at: 2 });
    await insert(db, { key: "3", at: 3, job: "a" });
    expect((await select(db, { job: "a" })).rows).toEqual([{ key: "1" }, { key: "3" }]);
    expect((await select(db, { job: "b" })).rows).toEqual([{ key: "2" }]);
  });

  test("is built once, whatever database it runs on", async () => {
    let built = 0;
    const count = prepared((db) => {
      built += 1;
      return db.selectFrom("seen").select((eb) => eb.fn.countAll<number>().as("n"));
    });
    const [first, second] = [await testStore(), await testStore()];
    await insert(first.db, { job: "a", key: "1", at: 1 });
    expect((await count(first.db, {})).rows).toEqual([{ n: 1 }]);
    expect((await count(second.db, {})).rows).toEqual([{ n: 0 }]);
    expect(built).toBe(1);
  });

  test("takes a value for what it is, and never for SQL", async () => {
    const { db } = await testStore();
    const job = "'; drop table seen; --";
    await insert(db, { job, key: "1", at: 1 });
    expect((await select(db, { job })).rows).toEqual([{ key: "1" }]);
  });

  test("is part of the transaction that it is run in", async () => {
    const store = await testStore();
    const undone = store.atomically(async (trx) => {
      await insert(trx, { job: "a", key: "1", at: 1 });
      throw new Error("undo it");
    });
    await expect(undone).rejects.toThrow("undo it");
    expect((await select(store.db, { job: "a" })).rows).toEqual([]);
  });

  test("waits for a transaction that it is not part of, and does not go down with it", async () => {
    const store = await testStore();
    const begun = Promise.withResolvers<void>();
    const undone = store.atomically(async (trx) => {
      await insert(trx, { job: "a", key: "within", at: 1 });
      begun.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("undo it");
    });
    await begun.promise;
    const beside = insert(store.db, { job: "a", key: "beside", at: 2 });
    await expect(undone).rejects.toThrow("undo it");
    await beside;
    expect((await select(store.db, { job: "a" })).rows).toEqual([{ key: "beside" }]);
  });

  test("tells in a transaction what it tells outside of one", async () => {
    const store = await testStore();
    const outside = await insert(store.db, { job: "a", key: "1", at: 1 });
    const inside = await store.atomically((trx) => insert(trx, { job: "a", key: "2", at: 2 }));
    expect(inside.numAffectedRows).toBe(outside.numAffectedRows);
    const rows = await store.atomically(async (trx) => (await select(trx, { job: "a" })).rows);
    expect(rows).toEqual((await select(store.db, { job: "a" })).rows);
    const again = store.atomically((trx) => insert(trx, { job: "a", key: "1", at: 3 }));
    await expect(again).rejects.toThrow(/unique/i);
  });

  test("refuses a value that is missing", async () => {
    const { db } = await testStore();
    const missing = insert(db, { job: "a", key: "1" } as { job: string; key: string; at: number });
    await expect(missing).rejects.toThrow();
  });
});
