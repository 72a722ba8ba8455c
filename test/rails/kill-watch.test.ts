// @module-tag slow
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { guard } from "../../src/rails/guard.ts";
import { Killed } from "../../src/rails/halt.ts";
import { clearKill, setKill } from "../../src/rails/kill.ts";
import { createKillWatch, type KillWatch } from "../../src/rails/kill-watch.ts";
import { besides, guardedCall, testRails } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";
import { seededRandomness } from "../support/seeded.ts";

/** Resolves with the reason once the watch trips. The test's own time limit says that it did not. */
function tripped(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

function hold(watch: KillWatch, kind: "in_flight" | "idle" = "in_flight"): () => void {
  const release = watch.hold(kind);
  onTestFinished(release);
  return release;
}

const setRow = (rails: RailsOn) =>
  rails.store.atomically((trx) => setKill(trx, rails.outbox.announce, "by hand", rails.clock.nowMs()));

/** Many looks, on a machine that is busy with other tests too. */
const SOON = { timeout: 10_000 };

describe.each(["in_flight", "idle"] as const)("with a watch that is held %s", (kind) => {
  it("trips on the STOP file", SOON, async () => {
    const { watch, stopFile } = await testRails();
    hold(watch, kind);
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(stopFile, "");
    const reason = await tripped(watch.signal);
    expect(reason).toBeInstanceOf(Killed);
    expect(reason).toMatchObject({ kill: { by: "file" }, exitCode: 0 });
    expect(watch.terminated.aborted).toBe(false);
  });

  it("trips on the row that another connection sets", SOON, async () => {
    const rails = await testRails();
    const other = await besides(rails);
    hold(rails.watch, kind);
    await rails.store.db.selectFrom("kill_switch").selectAll().execute();
    await setRow(other);
    expect(await tripped(rails.watch.signal)).toMatchObject({ kill: { by: "row", reason: "by hand" } });
  });
});

it("trips on what was set before it was held", SOON, async () => {
  const rails = await testRails();
  await setRow(rails);
  hold(rails.watch);
  expect(await tripped(rails.watch.signal)).toMatchObject({ kill: { by: "row" } });
});

it("trips when the switch cannot be read", SOON, async () => {
  const rails = await testRails();
  const other = await besides(rails);
  hold(rails.watch);
  await rails.store.db.selectFrom("kill_switch").selectAll().execute();
  await other.store.db.schema.dropTable("kill_switch").execute();
  expect(await tripped(rails.watch.signal)).toMatchObject({
    kill: { reason: expect.stringContaining("cannot be read") },
  });
});

it("trips when the row is gone", SOON, async () => {
  const rails = await testRails();
  const other = await besides(rails);
  hold(rails.watch);
  await other.store.db.deleteFrom("kill_switch").execute();
  expect(await tripped(rails.watch.signal)).toMatchObject({
    kill: { reason: expect.stringContaining("missing") },
  });
});

it("looks closely at once when a call comes in flight while it naps", SOON, async () => {
  const { watch, stopFile } = await testRails();
  hold(watch, "idle");
  await new Promise((resolve) => setImmediate(resolve));
  writeFileSync(stopFile, "");
  const release = hold(watch);
  expect(await tripped(watch.signal)).toBeInstanceOf(Killed);
  release();
});

it("does not look while nobody holds it", async () => {
  const { watch, stopFile, store, dir } = await testRails();
  let looks = 0;
  const seen = () => {
    looks += 1;
    return store.changes.seen();
  };
  const idle = createKillWatch({ ...store, changes: { seen } }, `${dir}/OTHER`);
  mkdirSync(stopFile);
  expect([watch.signal.aborted, idle.signal.aborted, looks]).toEqual([false, false, 0]);
  const release = idle.hold("idle");
  release();
  release();
  await new Promise((resolve) => setImmediate(resolve));
  const before = looks;
  await store.db.selectFrom("kill_switch").selectAll().execute();
  expect(looks).toBe(before);
});

it("counts each hold once, however often it is let go", SOON, async () => {
  const { watch, stopFile } = await testRails();
  const release = hold(watch, "idle");
  hold(watch, "in_flight");
  release();
  release();
  writeFileSync(stopFile, "");
  expect(await tripped(watch.signal)).toBeInstanceOf(Killed);
});

it("watches every call of a series, at whatever moment the next one begins", {
  timeout: 60_000,
}, async () => {
  // One call lets go and the next one holds: whether the watcher has just ended, is ending or goes on must not matter.
  for (let ticks = 0; ticks < 18; ticks++) {
    const rails = await testRails();
    const watch = createKillWatch(rails.store, rails.stopFile);
    const first = watch.hold("in_flight");
    await rails.store.db.selectFrom("kill_switch").selectAll().execute();
    await new Promise((resolve) => setImmediate(resolve));
    first();
    for (let n = 0; n < ticks; n++) await Promise.resolve();
    const second = watch.hold("in_flight");
    writeFileSync(rails.stopFile, "");
    const outcome = await Promise.race([tripped(watch.signal), wait(2_000)]);
    second();
    rmSync(rails.stopFile);
    expect({ ticks, outcome }).toMatchObject({ ticks, outcome: { code: "killed" } });
  }
});

it("tells the end of the process apart from a kill", async () => {
  const { watch } = await testRails();
  watch.trip({ by: "row", at: 0, reason: "found set" });
  expect([watch.signal.aborted, watch.terminated.aborted]).toEqual([true, false]);
  watch.trip({ by: "signal", at: 0, reason: "SIGTERM" });
  expect(watch.terminated.aborted).toBe(true);
  expect(watch.signal.reason).toMatchObject({ kill: { by: "row" } });
});

describe("armed again", () => {
  const clearRow = (rails: RailsOn) => rails.store.atomically((trx) => clearKill(trx, rails.stopFile));

  it("gives a new signal once the switch is clear, and leaves the one of before aborted", SOON, async () => {
    const rails = await testRails();
    const other = await besides(rails);
    hold(rails.watch, "idle");
    const first = rails.watch.signal;
    await setRow(other);
    await tripped(first);
    expect([await rails.watch.arm(), rails.watch.signal.aborted]).toEqual([false, true]);
    await clearRow(other);
    expect(await rails.watch.arm()).toBe(true);
    expect([first.aborted, rails.watch.signal.aborted]).toEqual([true, false]);
    // It watches again, whatever it was held by meanwhile.
    await setRow(other);
    expect(await tripped(rails.watch.signal)).toMatchObject({ kill: { by: "row" } });
  });

  it("watches on for a call that was held over it, when it was tripped from outside", SOON, async () => {
    const { watch, stopFile } = await testRails();
    hold(watch);
    await new Promise((resolve) => setImmediate(resolve));
    watch.trip({ by: "file", at: 0, reason: "found set" });
    expect(await watch.arm()).toBe(true);
    writeFileSync(stopFile, "");
    expect(await tripped(watch.signal)).toMatchObject({ kill: { by: "file" } });
  });

  it.each(["the STOP file", "the row"])("sees %s that is set in the moment of it", SOON, async (which) => {
    // Set at any number of turns after the look began: it is either refused, or seen by the watch.
    for (let turns = 0; turns < 12; turns++) {
      const rails = await testRails();
      const other = await besides(rails);
      hold(rails.watch);
      rails.watch.trip({ by: "row", at: 0, reason: "found set" });
      const arming = rails.watch.arm();
      for (let n = 0; n < turns; n++) await Promise.resolve();
      if (which === "the row") await setRow(other);
      else writeFileSync(rails.stopFile, "");
      await arming;
      expect({ turns, reason: await tripped(rails.watch.signal) }).toMatchObject({
        turns,
        reason: { code: "killed" },
      });
    }
  });

  it("stays tripped while the switch cannot be read", async () => {
    const rails = await testRails();
    rails.watch.trip({ by: "row", at: 0, reason: "found set" });
    await rails.store.db.schema.dropTable("kill_switch").execute();
    expect(await rails.watch.arm()).toBe(false);
  });

  it("stays tripped when it is tripped anew while the switch is read", async () => {
    const { watch } = await testRails();
    watch.trip({ by: "row", at: 0, reason: "found set" });
    const arming = watch.arm();
    watch.trip({ by: "row", at: 0, reason: "found set" });
    expect([await arming, watch.signal.aborted]).toEqual([false, true]);
  });

  it("never after the process was told to end, also while it is being armed", async () => {
    const { watch } = await testRails();
    watch.trip({ by: "row", at: 0, reason: "found set" });
    const arming = watch.arm();
    watch.trip({ by: "signal", at: 0, reason: "SIGTERM" });
    expect(await arming).toBe(false);
    expect(await watch.arm()).toBe(false);
    expect([watch.signal.aborted, watch.terminated.aborted]).toEqual([true, true]);
  });

  it("ends every call in flight, however the calls, the switch and the arming fall together", {
    timeout: 60_000,
  }, async () => {
    const { random } = seededRandomness(11);
    const rails = await testRails({ budget: { day_micros: 1_000_000_000 } });
    const other = await besides(rails);
    hold(rails.watch, "idle");
    const turns = async () => {
      for (let n = Math.floor(random() * 30); n > 0; n--) await Promise.resolve();
    };
    let performed = 0;
    // It ends by its signal alone: one that the switch did not reach would never end.
    const endless = () =>
      guard(
        rails,
        guardedCall(rails, {
          perform: (signal) =>
            new Promise((_resolve, reject) => {
              performed += 1;
              signal.addEventListener("abort", () => reject(signal.reason), { once: true });
            }),
        }),
      ).catch((error: unknown) => error);
    for (let round = 0; round < 25; round++) {
      const arming = rails.watch.arm();
      await turns();
      const first = endless();
      await turns();
      const setting = setRow(other);
      await turns();
      const second = endless();
      await Promise.all([arming, setting]);
      const before = performed;
      const third = await endless();
      // Set before it was asked for: it is not made.
      expect({ round, third, performed }).toMatchObject({ third: { code: "killed" }, performed: before });
      expect({ round, ended: await Promise.all([first, second]) }).toMatchObject({
        ended: [{ code: "killed" }, { code: "killed" }],
      });
      await clearRow(other);
      await vi.waitFor(async () => expect(await rails.watch.arm()).toBe(true));
    }
    expect(performed).toBeGreaterThan(0);
    expect(rails.watch.inFlight()).toBe(0);
  });

  it("lets calls through again, and refuses the one that began before", async () => {
    const rails = await testRails();
    let release: (() => void) | undefined;
    const held = guard(
      rails,
      guardedCall(rails, {
        perform: (signal) =>
          new Promise((_resolve, reject) => {
            release = () => reject(signal.reason);
          }),
      }),
    );
    await vi.waitFor(() => expect(release).toBeDefined());
    expect(rails.watch.inFlight()).toBe(1);
    rails.watch.trip({ by: "row", at: 0, reason: "found set" });
    await expect(guard(rails, guardedCall(rails))).rejects.toThrow(Killed);
    expect(await rails.watch.arm()).toBe(true);
    await expect(guard(rails, guardedCall(rails))).resolves.toBe("text");
    release?.();
    await expect(held).rejects.toThrow(Killed);
    expect(rails.watch.inFlight()).toBe(0);
  });
});

function wait(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve(`not tripped within ${ms} ms`), ms));
}
