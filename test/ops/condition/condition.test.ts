import { describe, expect, test } from "vitest";
import { type Health, healthOf, readCondition } from "../../../src/ops/condition/condition.ts";
import { stopByRow } from "../../../src/ops/stop.ts";
import { observe } from "../../../src/ops/worker.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { type OpsHarness, opsHarness } from "../harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function health({ config, rails }: OpsHarness): Promise<Pick<Health, "isHealthy" | "problems">> {
  const { store, clock } = rails;
  const observed = await observe(config, clock);
  const { isHealthy, problems } = healthOf(await readCondition({ config, db: store.db, clock }, observed));
  return { isHealthy, problems };
}

/** What a process at work holds. */
function heldLock({ config }: OpsHarness): Disposable {
  const lock = acquireLock(config.paths.lock);
  return { [Symbol.dispose]: () => lock.release() };
}

const HEALTHY = { isHealthy: true, problems: [] };

describe("an agent is fit to work", () => {
  test("before its first tick", async () => {
    expect(await health(await opsHarness())).toEqual(HEALTHY);
  });

  test("while its next tick is not late by more than the grace", async () => {
    const harness = await opsHarness({ heartbeat: { grace: "30m" } });
    await harness.tick({ next_due_at: harness.rails.clock.nowMs() + HOUR });
    harness.rails.clock.advance(HOUR + 30 * MINUTE);
    expect(await health(harness)).toEqual(HEALTHY);
  });

  test("when nothing is scheduled, however long ago its last tick was", async () => {
    const harness = await opsHarness();
    await harness.tick({ next_due_at: null });
    harness.rails.clock.advance(1_000 * HOUR);
    expect(await health(harness)).toEqual(HEALTHY);
  });

  test.each(["ok", "idle", "halted"] as const)("after a tick that was %s", async (outcome) => {
    const harness = await opsHarness();
    await harness.tick({ outcome });
    expect(await health(harness)).toEqual(HEALTHY);
  });

  test("when the kill switch is set: obeying it is no illness", async () => {
    const harness = await opsHarness();
    await stopByRow(harness.rails, "looks wrong", harness.rails.clock);
    expect(await health(harness)).toEqual({
      isHealthy: true,
      problems: ["the kill switch is set: looks wrong (row, now)"],
    });
  });

  test("while a tick runs that may still run", async () => {
    const harness = await opsHarness({ heartbeat: { grace: "30m" } });
    await harness.tick({ outcome: "running", finished_at: null });
    using _lock = heldLock(harness);
    harness.rails.clock.advance(90 * MINUTE);
    expect(await health(harness)).toEqual(HEALTHY);
  });
});

describe("an agent is not fit to work", () => {
  test("when its next tick is late by more than the grace, and says since when", async () => {
    const harness = await opsHarness({ heartbeat: { grace: "30m" } });
    await harness.tick({ next_due_at: harness.rails.clock.nowMs() + HOUR });
    harness.rails.clock.advance(HOUR + 30 * MINUTE + 1);
    expect(await health(harness)).toEqual({
      isHealthy: false,
      problems: [
        "the last tick was at 2026-11-21T10:00:00.000Z, and the next was due at 2026-11-21T11:00:00.000Z: is the timer running?",
      ],
    });
  });

  test("after a tick that failed, and says why", async () => {
    const harness = await opsHarness();
    await harness.tick({ outcome: "failed", reason: "no model answered" });
    expect(await health(harness)).toEqual({
      isHealthy: false,
      problems: ["the last tick failed: no model answered"],
    });
  });

  test("when a tick began and never ended: its process has died", async () => {
    const harness = await opsHarness({ heartbeat: { grace: "30m" } });
    await harness.tick({ next_due_at: harness.rails.clock.nowMs() });
    harness.rails.clock.advance(MINUTE);
    await harness.tick({ outcome: "running", finished_at: null });
    harness.rails.clock.advance(90 * MINUTE + 1);
    const { isHealthy, problems } = await health(harness);
    expect(isHealthy).toBe(false);
    expect(problems).toEqual([
      "the tick that began at 2026-11-21T10:01:00.000Z has not ended: its process has died",
    ]);
  });

  test("only as long as the newest tick says so", async () => {
    const harness = await opsHarness();
    await harness.tick({ outcome: "failed", reason: "x" });
    // In the same millisecond, and told apart by the id.
    await harness.tick();
    expect(await health(harness)).toEqual(HEALTHY);
  });
});

test("a tick may run as long as it claims jobs and its slowest job may take", async () => {
  const job = { name: "slow", kind: "plain", every: "1d", timeout: "5h", command: ["true"] };
  const harness = await opsHarness({ heartbeat: { grace: "30m" }, jobs: [job] });
  await harness.tick({ outcome: "running", finished_at: null });
  using _lock = heldLock(harness);
  harness.rails.clock.advance(6 * HOUR + 30 * MINUTE);
  expect(await health(harness)).toEqual(HEALTHY);
  harness.rails.clock.advance(1);
  expect((await health(harness)).isHealthy).toBe(false);
});
