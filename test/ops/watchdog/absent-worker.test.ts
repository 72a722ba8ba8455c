import { join } from "node:path";
import { expect, it } from "vitest";
import { writeMeta } from "../../../src/store/meta.ts";
import type { Trx } from "../../../src/store/schema.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { tick as runTick } from "../../cli/commands/in-process.ts";
import { GRACE, HOUR, MINUTE, type WatchdogHarness, watchdogHarness } from "./harness.ts";

/** What `afk run` leaves in the state. */
async function ran({ withDb }: WatchdogHarness, beganAt: number, endedAt: number): Promise<void> {
  await withDb(async (db) => {
    await writeMeta(db as Trx, "run_began_at", beganAt);
    await writeMeta(db as Trx, "run_ended_at", endedAt);
  });
}

it("a loop that ended without a word is told of at once, once, and is over when another has begun", async () => {
  const harness = await watchdogHarness();
  const { target, clock, tick, look, told } = harness;
  await ran(harness, clock.nowMs(), 0);
  await tick();
  clock.advance(MINUTE);
  expect(await look()).toMatchObject({
    exitCode: 1,
    findings: [{ title: "The worker ended without a word" }],
  });
  expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0 } });
  const lock = acquireLock(join(target.state, "lock.db"));
  await ran(harness, clock.nowMs(), 0);
  expect(await look()).toMatchObject({ exitCode: 0 });
  lock.release();
  expect(told()).toEqual(["The worker ended without a word", "Over: The worker ended without a word"]);
});

it("a loop that was told to end is shown at once, and told of after the grace", async () => {
  const harness = await watchdogHarness();
  const { clock, tick, look, told } = harness;
  await tick();
  await ran(harness, clock.nowMs(), clock.nowMs() + MINUTE);
  clock.advance(MINUTE + GRACE);
  const problem = "no worker is running since 2026-11-21T10:01:00.000Z, when it was told to end";
  expect(await look()).toMatchObject({
    exitCode: 0,
    findings: [],
    condition: { findings: [{ code: "worker_ending", detail: expect.stringContaining(problem) }] },
  });
  clock.advance(1);
  expect(await look()).toMatchObject({ exitCode: 1 });
  expect(told()).toEqual(["No worker is running since Sat 21 Nov 10:01"]);
});

it("a tick of a timer takes the place of a loop, and one by hand does not", async () => {
  const harness = await watchdogHarness();
  const began = Date.now() - HOUR;
  harness.clock.jump(Date.now() - harness.clock.nowMs());
  await ran(harness, began, began + MINUTE);
  await runTick(harness.target, "digest");
  expect(await harness.look()).toMatchObject({ exitCode: 1 });
  await runTick(harness.target);
  expect(await harness.look()).toMatchObject({ exitCode: 0 });
});

it("what began after the lock was asked, and has not ended, is no death; what a clock that was set back put ahead is", async () => {
  const harness = await watchdogHarness();
  const { clock, tick, look } = harness;
  await tick({ outcome: "running", finished_at: null });
  await ran(harness, clock.nowMs(), 0);
  expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  clock.jump(-HOUR);
  expect(await look()).toMatchObject({
    exitCode: 1,
    findings: [{ title: "The worker ended without a word" }],
  });
});

it("a tick that died is told of at once, and not only when the next one is late", async () => {
  const { clock, tick, look } = await watchdogHarness();
  await tick({ outcome: "running", finished_at: null });
  clock.advance(1);
  const title = "A tick died, and none came after it";
  expect(await look()).toMatchObject({ exitCode: 1, findings: [{ title }] });
  await tick();
  expect(await look()).toMatchObject({ exitCode: 0, recovered: [title] });
});
