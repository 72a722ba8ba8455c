import { expect, it } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../../src/lib/durations.ts";
import { newId } from "../../../src/lib/ids.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { opsHarness } from "../harness.ts";

async function prepared() {
  const { rails, config } = await opsHarness();
  const { store, clock } = rails;
  const add = async (name: string, createdMs: number, state: "pending" | "delivered" | null, is_news = 1) => {
    const job_id = newId(createdMs);
    const about = { job_id, outcome: "done" as const, created_at: createdMs };
    await store.db
      .insertInto("results")
      .values({ ...about, name, label: "x", slot_at: 1, is_news, report: "{}" })
      .execute();
    if (state === null) return;
    const counts = { attempts: 1, parts_taken: 0, next_at: 1, error: null, updated_at: createdMs };
    await store.db
      .insertInto("deliveries")
      .values({ ...about, ...counts, key: `${job_id}:phone`, receiver: "phone", channel: "ntfy:1", state })
      .execute();
  };
  return {
    add,
    nowMs: clock.nowMs(),
    async left() {
      const signal = new AbortController().signal;
      await retain({ store, config, clock, signal });
      const results = await store.db.selectFrom("results").select(["name"]).execute();
      const deliveries = await store.db.selectFrom("deliveries").select("state").execute();
      return { results: results.length, deliveries: deliveries.map(({ state }) => state).sort() };
    },
  };
}

it("old results go with their deliveries, and those that wait for a receiver stay", async () => {
  const { add, left, nowMs } = await prepared();
  await add("digest", nowMs - 100 * DAY_MS, "delivered");
  await add("digest", nowMs - 101 * DAY_MS, "pending");
  await add("digest", nowMs - DAY_MS, "delivered");
  expect(await left()).toEqual({ results: 2, deliveries: ["delivered", "pending"] });
});

it("of a job that runs every minute the newest hundred stay", async () => {
  const { add, left, nowMs } = await prepared();
  for (let count = 0; count < 230; count++) await add("often", nowMs - count * MINUTE_MS - 1, "delivered");
  await add("rare", nowMs - DAY_MS, null);
  const { results, deliveries } = await left();
  expect({ results, deliveries: deliveries.length }).toEqual({ results: 101, deliveries: 100 });
});

it("a hundred runs without news drive out no news of their job, and no more of them stay", async () => {
  const { add, left, nowMs } = await prepared();
  await add("often", nowMs - DAY_MS, null);
  for (let count = 0; count < 230; count++) await add("often", nowMs - count * MINUTE_MS - 1, null, 0);
  expect(await left()).toMatchObject({ results: 101 });
});
