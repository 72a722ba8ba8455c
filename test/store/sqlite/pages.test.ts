import { statSync } from "node:fs";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { retain } from "../../../src/ops/retention/retain.ts";
import { countPages, givePagesBack } from "../../../src/store/sqlite/pages.ts";
import { opsHarness } from "../../ops/harness.ts";
import { type TestStore, testStore } from "../../support/store.ts";

const ROWS = 4_000;

/** A store most of whose content was removed again; every fourth row is left. */
async function hollow(store: TestStore): Promise<void> {
  await store.atomically(async (trx) => {
    for (let row = 0; row < ROWS; row++)
      await sql`insert into robots values (${`origin-${row}`}, 'rules', ${"x".repeat(3_000)}, 1)`.execute(
        trx,
      );
  });
  await sql`delete from robots where cast(substr(origin, 8) as integer) % 4 <> 0`.execute(store.db);
}

describe("free pages", () => {
  test("are given back as many at a time as was asked for, and nothing is lost by it", async () => {
    const store = await testStore();
    await hollow(store);
    const before = await countPages(store.db);
    expect(before.free).toBeGreaterThan(before.all / 4);
    await store.atomically((trx) => givePagesBack(trx, 100));
    const after = await countPages(store.db);
    expect(before.free - after.free).toBe(100);
    expect(before.all - after.all).toBeGreaterThanOrEqual(100);
    const { rows } = await sql<{
      n: number;
    }>`select count(*) as n from robots where length(body) = 3000`.execute(store.db);
    expect(rows).toEqual([{ n: ROWS / 4 }]);
    expect((await sql`pragma integrity_check`.execute(store.db)).rows).toEqual([{ integrity_check: "ok" }]);
  });

  test("are given back by retention until no more than a quarter is free, and the file is smaller", async () => {
    const { rails, config } = await opsHarness();
    await hollow(rails.store as TestStore);
    const size = () => statSync(rails.path).size;
    await sql`pragma wal_checkpoint(truncate)`.execute(rails.store.db);
    const before = size();
    const { signal } = new AbortController();
    for (let pass = 0; pass < 20; pass++) {
      await retain({ store: rails.store, config, clock: rails.clock, signal });
      rails.clock.advance(3_600_000);
    }
    const { all, free } = await countPages(rails.store.db);
    expect(free).toBeLessThan(Math.max(1_024, all / 4));
    await sql`pragma wal_checkpoint(truncate)`.execute(rails.store.db);
    expect(size()).toBeLessThan(0.6 * before);
  });
});
