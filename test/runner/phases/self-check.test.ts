import { expect, it } from "vitest";
import { HOUR_MS } from "../../../src/lib/durations.ts";
import { readMeta } from "../../../src/store/meta.ts";
import { harness } from "../harness.ts";

it("checks the counters at each tick, and writes that down once an hour", async () => {
  const { agent, clock } = await harness(() => undefined, { jobs: [] });
  const { db } = agent.rails.store;
  await agent.tick();
  const first = await readMeta(db, "counters_checked_at");
  expect(first).toBe(clock.nowMs());

  clock.advance(HOUR_MS / 2);
  await agent.tick();
  expect(await readMeta(db, "counters_checked_at")).toBe(first);
  // What is not written down is done all the same.
  const amounts = { settled_micros: 7, reserved_micros: 0, overrun_micros: 0 };
  await db
    .insertInto("budget_windows")
    .values({ window: "day", period: "2001-01-01", ...amounts })
    .execute();
  expect(await agent.tick()).toMatchObject({ outcome: "halted" });

  clock.advance(HOUR_MS / 2);
  await agent.tick();
  expect(await readMeta(db, "counters_checked_at")).toBe(first + HOUR_MS);
});
