// @module-tag processes
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { readDaySpend, readTickTotals } from "../../../src/ops/history.ts";
import type { Db } from "../../../src/store/schema.ts";
import { spend } from "../../support/rails.ts";
import { seededRandomness } from "../../support/seeded.ts";
import { testStore } from "../../support/store.ts";
import { opsHarness } from "../harness.ts";
import { live } from "./history.ts";

const CHILD = fileURLToPath(new URL("../../chaos/support/retain-child.ts", import.meta.url));

test("a call, the status and the page read none of the sums by day, which grow for ever", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const { db } = rails.store;
  for (const table of ["ledger_days", "job_days", "tick_days"])
    await sql`drop table ${sql.table(table)}`.execute(db);
  await spend(rails, 100);
  expect(await harness.status()).toMatchObject({ agent: "test" });
  expect(await readTickTotals(db, { isHeld: false })).toEqual({});
  expect(await readDaySpend(db, "2026-11-21", 30)).toHaveLength(30);
});

test("another process writes as it likes while a backlog is removed", async () => {
  const { rails, config } = await opsHarness({ budget: { daily_cap_usd: 1_000 } });
  await live(rails, { randomness: seededRandomness(3), days: 220, callsPerDay: 12 });
  const other = await testStore(rails.path);
  const before = await count(other.db);
  const child = spawn(process.execPath, [CHILD, rails.path, String(rails.clock.nowMs()), config.timezone], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  const seen = new Set<number | undefined>();
  while (child.exitCode === null && child.signalCode === null) {
    // Throws when it has waited for as long as a statement may.
    await other.atomically(async (trx) => {
      seen.add(await count(trx));
      await trx.updateTable("meta").set({ value: seen.size }).where("key", "=", "none").execute();
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await ended).toEqual([0, null]);
  expect(await count(other.db)).toBeLessThan(before ?? 0);
  // It had its turn in the middle of it too.
  expect(seen.size).toBeGreaterThan(2);
});

async function count(db: Db): Promise<number | undefined> {
  return (await sql<{ n: number }>`select count(*) as n from ledger`.execute(db)).rows[0]?.n;
}
