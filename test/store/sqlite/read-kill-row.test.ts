import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openKillReader } from "../../../src/store/sqlite/read-kill-row.ts";
import { testStore } from "../../support/store.ts";
import { tempDir } from "../../support/temp.ts";

it("sees the switch as it was last committed, in the middle of a transaction too", async () => {
  const { store, reader } = await opened();
  expect(reader.killRow()).toBeNull();
  const set = { set_at: 1, reason: "enough" };
  await store.atomically(async (trx) => {
    await trx.updateTable("kill_switch").set(set).execute();
    expect(reader.killRow()).toBeNull();
  });
  expect(reader.killRow()).toEqual({ reason: "enough" });
  await store.db.updateTable("kill_switch").set({ set_at: null, reason: null }).execute();
  expect(reader.killRow()).toBeNull();
});

it("takes a switch whose row is missing for set", async () => {
  const { store, reader } = await opened();
  await store.db.deleteFrom("kill_switch").execute();
  expect(reader.killRow()?.reason).toContain("missing");
});

it("names the tick that is under way, and neither tick nor job where nothing is", async () => {
  const { store, reader } = await opened();
  expect(reader.underWay()).toEqual({});
  const tick = { started_at: 1, units: 0, cost_micros: 0, by_hand: 0, version: "1" };
  await store.db
    .insertInto("ticks")
    .values([
      { ...tick, id: "earlier", outcome: "crashed", finished_at: 2, reason: null, next_due_at: null },
      { ...tick, id: "now", outcome: "running", finished_at: null, reason: null, next_due_at: null },
    ])
    .execute();
  expect(reader.underWay()).toEqual({ tick: "now" });
});

it("makes no database where there is none", () => {
  const path = join(tempDir(), "afk.db");
  expect(() => openKillReader(path)).toThrow();
  expect(existsSync(path)).toBe(false);
});

async function opened() {
  const store = await testStore();
  const reader = openKillReader(store.path);
  onTestFinished(() => reader.close());
  return { store, reader };
}
