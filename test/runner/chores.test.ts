// @module-tag processes
// @module-tag slow
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { withChore } from "../../src/runner/chores.ts";
import { writeMeta } from "../../src/store/meta.ts";
import type { Store } from "../../src/store/store.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { fleetOfStores } from "../support/postgres/stores.ts";
import { testStore } from "../support/store.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const FLEET = { database: { url: "", schema: "" } } as unknown as Config;
const MINUTE_MS = 60_000;

test("one machine alone does what is due by its store, and writes nothing of that", async () => {
  const store = await testStore();
  const config = { database: null } as unknown as Config;
  const sources = { store, clock: systemClock, config };
  const given = await withChore(sources, { name: "retention", runner: "me" }, async (own) => own);
  expect(given).toBe(store);
  expect(await store.db.selectFrom("chores").selectAll().execute()).toEqual([]);
});

describe.skipIf(problem !== null)(`a chore of a fleet${skipped}`, { timeout: 120_000 }, () => {
  test("is done by one machine at a time, and by another one afterwards", async () => {
    const { stores } = await fleetOfStores(4);
    let busy = 0;
    const work = async () => {
      busy += 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
      busy -= 1;
      return busy;
    };
    const all = () =>
      stores.map((store, machine) =>
        withChore(sourcesOf(store), { name: "retention", runner: `${machine}` }, work),
      );
    const first = await Promise.all(all());
    expect(first.filter((done) => done !== undefined)).toEqual([0]);
    const second = await Promise.all(all());
    expect(second.filter((done) => done !== undefined)).toEqual([0]);
    const rows = await stores[0]!.db.selectFrom("chores").select(["token", "until"]).execute();
    expect(rows).toEqual([{ token: 2, until: 0 }]);
  });

  test.each<[string, boolean, (own: Store, whole: Store) => Store]>([
    ["writes nothing more once another has taken it over", false, (own) => own],
    ["would, by a store that does not look at the token", true, (_own, whole) => whole],
  ])("a machine that was suspended in it %s", async (_what, isWritten, by) => {
    const { stores } = await fleetOfStores(2);
    const [one, two] = stores as [Store, Store];
    const suspended = withChore(sourcesOf(one), { name: "retention", runner: "one" }, async (own) => {
      await own.atomically((trx) => writeMeta(trx, "retained_at", 1));
      // Its lease is over by now, on the other's clock.
      const later = sourcesOf(two, 2 * MINUTE_MS);
      await withChore(later, { name: "retention", runner: "two" }, async (others) => {
        await others.atomically((trx) => writeMeta(trx, "retained_at", 2));
      });
      await by(own, one).atomically((trx) => writeMeta(trx, "retained_at", 3));
    });
    await (isWritten ? suspended : expect(suspended).rejects.toMatchObject({ code: "chore_lost" }));
    const { value } = await two.db
      .selectFrom("meta")
      .select("value")
      .where("key", "=", "retained_at")
      .executeTakeFirstOrThrow();
    expect(value).toBe(isWritten ? 3 : 2);
  });

  test("is kept by whoever goes on with it, however long the whole takes", async () => {
    const { stores } = await fleetOfStores(2);
    const [one, two] = stores as [Store, Store];
    let aheadMs = 0;
    const clock = shifted(one, () => aheadMs);
    const done = await withChore(
      { ...sourcesOf(one), clock },
      { name: "retention", runner: "one" },
      async (own) => {
        for (let step = 0; step < 4; step++) {
          aheadMs += MINUTE_MS / 2;
          await own.atomically((trx) => writeMeta(trx, "retained_at", step));
          const other = { ...sourcesOf(two), clock: shifted(two, () => aheadMs) };
          expect(await withChore(other, { name: "retention", runner: "two" }, async () => 1)).toBeUndefined();
        }
        return "done";
      },
    );
    expect(done).toBe("done");
  });
});

function sourcesOf(store: Store, aheadMs = 0) {
  return { store, config: FLEET, clock: shifted(store, () => aheadMs) };
}

/** The fleet's time, and so much more. */
function shifted(store: Store, aheadMs: () => number): Clock {
  const clock = store.clockOver(systemClock);
  return { ...clock, nowMs: () => clock.nowMs() + aheadMs() };
}
