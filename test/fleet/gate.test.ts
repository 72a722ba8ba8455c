// @module-tag processes
import { expect, it } from "vitest";
import { passGates } from "../../src/rails/gates.ts";
import { MachineLost } from "../../src/rails/halt.ts";
import type { Rails } from "../../src/rails/rails.ts";
import { postgresStore } from "../support/postgres/state.ts";
import { guardedCall, thrown } from "../support/rails.ts";
import { railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";

const RUNNER = "m.worker.1";
const CLAIM = { id: "job", token: 3 };

/** A machine with a lease, and a job that it runs by its third claim. */
async function working() {
  const store = await postgresStore();
  const rails = railsOn(store, tempDir());
  const nowMs = rails.clock.nowMs();
  const machine = { name: "host", boot_id: "b", pid: 1, process_started: "1", version: "1", level: "1" };
  const times = { started_at: nowMs, lease_until: nowMs + 15_000, looked_at: nowMs, clock_off_ms: 0 };
  await store.db
    .insertInto("machines")
    .values({ id: "m", runner: RUNNER, ...machine, ...times })
    .execute();
  const work = { key: "k", name: "n", kind: "exec", payload: "null", max_attempts: 5, attempts: 3, units: 0 };
  const held = {
    state: "running",
    token: 3,
    runner: RUNNER,
    lease_until: nowMs + 30_000,
    by_hand: 0,
    slot_at: 0,
    label: "l",
  } as const;
  await store.db
    .insertInto("jobs")
    .values({ id: "job", ...work, ...held, run_at: nowMs, created_at: nowMs, updated_at: nowMs })
    .execute();
  const left = { tell() {}, taken: () => false };
  rails.machine = { id: "m", part: "worker", runner: RUNNER, heldUntilMs: Number.POSITIVE_INFINITY, left };
  return rails;
}

const buy = (rails: Rails) => passGates(rails, guardedCall(rails, { runner: RUNNER, claim: CLAIM }));

it("lets a run buy that has its machine's lease and its job", async () => {
  expect(await buy(await working())).toHaveProperty("entryId");
});

it.each([
  ["was lost", (rails: Rails) => machines(rails, { lost_at: 1 })],
  ["has a lease that is over", (rails: Rails) => machines(rails, { lease_until: 1 })],
  ["has ended", (rails: Rails) => machines(rails, { ended_at: 1 })],
  ["is another process's", (rails: Rails) => machines(rails, { runner: "m.worker.2" })],
  ["has a job that was claimed again", (rails: Rails) => jobs(rails, { token: 4 })],
])("reserves nothing for a run whose machine %s", async (_what, change) => {
  const rails = await working();
  await change(rails);
  expect(await thrown(buy(rails))).toBeInstanceOf(MachineLost);
  expect(await rails.store.db.selectFrom("ledger").select("id").execute()).toEqual([]);
  // As it would be if the gate did not ask.
  expect(await buy({ ...rails, machine: null })).toHaveProperty("entryId");
});

async function machines(rails: Rails, change: object): Promise<void> {
  await rails.store.db.updateTable("machines").set(change).execute();
}

async function jobs(rails: Rails, change: object): Promise<void> {
  await rails.store.db.updateTable("jobs").set(change).execute();
}
