import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CallFailed } from "../../src/rails/call.ts";
import { passGates } from "../../src/rails/gates.ts";
import { guard } from "../../src/rails/guard.ts";
import { BreakerOpen, CapReached, isHalt, Killed } from "../../src/rails/halt.ts";
import { setKill } from "../../src/rails/kill.ts";
import {
  alerts,
  besides,
  counters,
  entries,
  guardedCall,
  states,
  testRails,
  thrown,
} from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const open = async (rails: RailsOn) => {
  const refused = new CallFailed("wrong key", { charge: "none", trip: "now" });
  await thrown(guard(rails, guardedCall(rails, { perform: () => Promise.reject(refused) })));
};
const kill = (rails: RailsOn) =>
  rails.store.atomically((trx) => setKill(trx, rails.outbox.announce, "by hand", rails.clock.nowMs()));
const capNothing = (rails: RailsOn) => {
  rails.budget = { ...rails.budget, budget: { ...rails.budget.budget, caps: { day_micros: 0 } } };
};
const pass = (rails: RailsOn) => passGates(rails, guardedCall(rails));

describe("the order of the gates", () => {
  it("is kill, breaker, cap: with all three closed, each is met when the one before it is out of the way", async () => {
    const rails = await testRails();
    await open(rails);
    capNothing(rails);
    await kill(rails);
    const before = await entries(rails);
    expect(await thrown(pass(rails))).toBeInstanceOf(Killed);
    await rails.store.db.updateTable("kill_switch").set({ set_at: null, reason: null }).execute();
    expect(await thrown(pass(rails))).toBeInstanceOf(BreakerOpen);
    expect(await alerts(rails, "cap_hit")).toEqual([]);
    rails.clock.advance(300_000);
    expect(await thrown(pass(rails))).toBeInstanceOf(CapReached);
    expect(await entries(rails)).toEqual(before);
  });

  it("lets nothing be performed behind any of them", async () => {
    let performed = 0;
    const perform = () => {
      performed += 1;
      return Promise.reject(new Error("it was performed"));
    };
    for (const close of [kill, open, async (rails: RailsOn) => capNothing(rails)]) {
      const rails = await testRails();
      await close(rails);
      await thrown(guard(rails, guardedCall(rails, { perform })));
    }
    expect(performed).toBe(0);
  });
});

it("refuses when the STOP file is there, and tells of it once", async () => {
  const rails = await testRails();
  writeFileSync(rails.stopFile, "");
  for (let n = 0; n < 3; n++) expect(await thrown(pass(rails))).toMatchObject({ kill: { by: "file" } });
  expect(await alerts(rails)).toMatchObject([{ event: "kill_set" }]);
  expect(await entries(rails)).toEqual([]);
});

it("refuses when the kill switch's row is missing, or its table", async () => {
  const rails = await testRails();
  await rails.store.db.deleteFrom("kill_switch").execute();
  expect(await thrown(pass(rails))).toBeInstanceOf(Killed);
  await rails.store.db.schema.dropTable("kill_switch").execute();
  await expect(pass(rails)).rejects.toThrow("kill_switch");
  expect(await entries(rails)).toEqual([]);
});

it.each(["breakers", "budget_clock", "budget_windows", "ledger", "alerts"])(
  "refuses when %s cannot be read or written",
  async (table) => {
    const rails = await testRails();
    // With something to tell: a cap that refuses needs the alerts.
    capNothing(rails);
    if (table !== "alerts") rails.budget.budget.caps.day_micros = 1_000_000;
    for (const dependent of table === "alerts" ? ["alert_deliveries", "alerts"] : [table])
      await rails.store.db.schema.dropTable(dependent).execute();
    let performed = 0;
    const perform = () => {
      performed += 1;
      return Promise.reject(new Error("it was performed"));
    };
    expect(await thrown(guard(rails, guardedCall(rails, { perform })))).toMatchObject({
      message: expect.stringContaining(table),
    });
    expect(performed).toBe(0);
  },
);

it("says which refusals are halts, which end a tick without being failures", async () => {
  const rails = await testRails();
  await open(rails);
  expect(isHalt(await thrown(pass(rails)))).toBe(false);
  capNothing(rails);
  rails.clock.advance(300_000);
  const cap = await thrown(pass(rails));
  expect(cap).toMatchObject({ code: "cap_hit", window: "day", exitCode: 0 });
  expect(isHalt(cap)).toBe(true);
  await kill(rails);
  const killed = await thrown(pass(rails));
  expect(killed).toMatchObject({ code: "killed", exitCode: 0 });
  expect(isHalt(killed)).toBe(true);
});

it("leaves the entry on the disk as sending, so that a crash from here on counts as sent", async () => {
  const rails = await testRails();
  const other = await besides(rails);
  await pass(rails);
  expect(await states(other)).toEqual(["sending"]);
  expect(await counters(other, "day")).toEqual({ "2026-11-21": "0/1000" });
});

it("a state whose files were replaced counts as stopped, for good, and is told of once", async () => {
  const rails = await testRails();
  await pass(rails);
  copyFileSync(rails.path, `${rails.path}.copy`);
  renameSync(rails.path, `${rails.path}.former`);
  const refused = await thrown(pass(rails));
  expect(refused).toBeInstanceOf(Killed);
  expect((refused as Killed).message).toContain(
    `${rails.path} was moved or deleted while this process had it open`,
  );
  // Somebody else may have worked on the copy meanwhile.
  renameSync(`${rails.path}.copy`, rails.path);
  expect(await thrown(pass(rails))).toBeInstanceOf(Killed);
  renameSync(`${rails.path}.former`, rails.path);
  expect(await thrown(pass(rails))).toBeInstanceOf(Killed);
  expect(await alerts(rails, "kill_set")).toHaveLength(1);
  expect(await entries(rails)).toHaveLength(1);
});
