import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { countersAgree } from "../../src/ops/counters.ts";
import { reconcile } from "../../src/rails/reconcile.ts";
import { ended, RELEASED, reserved, sent, settledAt, spend, UNKNOWN } from "../support/rails.ts";
import { type OpsHarness, opsHarness } from "./harness.ts";

/** Entries in every state, in and out of ticks and jobs, over two days. */
async function busy(): Promise<OpsHarness> {
  const harness = await opsHarness();
  const { rails } = harness;
  const scope = { tick: "tick-1", job: "digest@1" };
  await spend(rails, 1_000, { scope });
  await spend(rails, 2_000);
  await reserved(rails, 3_000, { scope });
  await sent(rails, 4_000, { scope: { tick: "tick-1", job: null } });
  await ended(rails, await sent(rails, 5_000), UNKNOWN);
  await ended(rails, await reserved(rails, 6_000, { scope }), RELEASED);
  rails.clock.advance(86_400_000);
  await ended(rails, await sent(rails, 7_000), settledAt(9_000));
  const doubtful = await sent(rails, 8_000, { scope });
  await ended(rails, doubtful, UNKNOWN);
  await reconcile(rails, doubtful, 500);
  return harness;
}

describe("counters agree with the ledger", () => {
  test("when nothing was spent", async () => {
    const { rails } = await opsHarness();
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  test("after calls of every outcome", async () => {
    const { rails } = await busy();
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });
});

describe("a counter that was changed is found", () => {
  test.each(["tick", "job", "hour", "day", "week", "month"] as const)("in the %s window", async (window) => {
    const { rails } = await busy();
    const { db } = rails.store;
    const row = await db
      .selectFrom("budget_windows")
      .selectAll()
      .where("window", "=", window)
      .where("settled_micros", ">", 0)
      .executeTakeFirstOrThrow();
    await db
      .updateTable("budget_windows")
      .set({ settled_micros: row.settled_micros - 1 })
      .where("window", "=", window)
      .where("period", "=", row.period)
      .execute();
    const differences = await countersAgree(db);
    expect(differences).toEqual([
      `${window} ${row.period}: counted ${row.settled_micros - 1}/${row.reserved_micros}, ` +
        `ledger says ${row.settled_micros}/${row.reserved_micros} (settled/reserved micro-dollars)`,
    ]);
  });

  test("when its reservations were forgotten", async () => {
    const { rails } = await busy();
    await sql`update budget_windows set reserved_micros = 0 where "window" = 'day'`.execute(rails.store.db);
    expect(await countersAgree(rails.store.db)).toEqual([
      expect.stringContaining("day 2026-11-21: counted 3000/0, ledger says 3000/12000"),
    ]);
  });

  test("when its row is gone", async () => {
    const { rails } = await busy();
    await sql`delete from budget_windows where "window" = 'month'`.execute(rails.store.db);
    expect(await countersAgree(rails.store.db)).toEqual([
      expect.stringContaining("month 2026-11: counted 0/0, ledger says 12500/12000"),
    ]);
  });

  test("when it counts what no entry tells of", async () => {
    const { rails } = await busy();
    const { db } = rails.store;
    await sql`insert into budget_windows ("window", period, settled_micros) values ('day', '2026-11-23', 5)`.execute(
      db,
    );
    expect(await countersAgree(db)).toEqual([
      expect.stringContaining("day 2026-11-23: counted 5/0, ledger says 0/0"),
    ]);
  });

  test("when an entry of the ledger was removed", async () => {
    const { rails } = await busy();
    await sql`delete from ledger where state = 'unknown'`.execute(rails.store.db);
    const differences = await countersAgree(rails.store.db);
    expect(differences.map((line) => line.split(" ")[0]).sort()).toEqual(["day", "hour", "month", "week"]);
  });
});
