import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { GRACE, HOUR, MINUTE, watchdogHarness } from "./harness.ts";

const DAY = 24 * HOUR;

describe("a heartbeat is not late", () => {
  it("while the timer's next tick is within the grace, though the next job is due tomorrow", async () => {
    const { ticks, clock, look } = await watchdogHarness();
    await ticks(3, { next_due_at: clock.nowMs() + DAY });
    clock.advance(5 * MINUTE + GRACE);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });

  it("in a state that is younger than the grace and has seen no tick", async () => {
    const { withDb, clock, look } = await watchdogHarness();
    await withDb((db) => born(db, clock.nowMs()));
    clock.advance(5 * MINUTE + GRACE);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });

  it("where no job is configured and none has ever run", async () => {
    const { withDb, clock, look } = await watchdogHarness({ jobs: [] });
    await withDb((db) => born(db, clock.nowMs()));
    clock.advance(DAY);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });

  it("where ticks come once a day and the last was today", async () => {
    const { tick, clock, look } = await watchdogHarness();
    for (let day = 0; day < 3; day++) {
      await tick();
      clock.advance(DAY);
    }
    await tick();
    clock.advance(20 * HOUR);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });

  it("after a tick that runs for an hour in a process that is there", async () => {
    const { target, tick, clock, look } = await watchdogHarness();
    await tick({ outcome: "running", finished_at: null });
    const lock = acquireLock(join(target.state, "lock.db"));
    clock.advance(HOUR);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
    lock.release();
  });

  it("when the clock was set back behind the last tick", async () => {
    const { ticks, clock, look } = await watchdogHarness();
    await ticks(3);
    clock.jump(-30 * DAY);
    expect(await look()).toMatchObject({ exitCode: 0, findings: [] });
  });
});

describe("a heartbeat is late", () => {
  it("when the timer died after one tick whose clock was weeks ahead", async () => {
    const { tick, ticks, clock, look } = await watchdogHarness();
    await ticks(3);
    const due = clock.nowMs() + 20 * DAY + HOUR;
    await tick({ started_at: due - HOUR, finished_at: due - HOUR, next_due_at: due });
    clock.advance(5 * MINUTE + GRACE + 1);
    expect(await look()).toMatchObject({
      exitCode: 1,
      findings: [{ event: "heartbeat_late", key: "heartbeat_late:tick-0003" }],
    });
  });

  it("when the timer died, long before the next job is due", async () => {
    const { ticks, clock, look, told } = await watchdogHarness();
    await ticks(3, { next_due_at: clock.nowMs() + DAY });
    clock.advance(5 * MINUTE + GRACE + 1);
    const report = await look();
    expect(report).toMatchObject({
      exitCode: 1,
      findings: [{ event: "heartbeat_late", key: "heartbeat_late:tick-0003" }],
      alerts: { sent: 1, pending: 0 },
    });
    expect(report.findings[0]?.message).toContain("2026-11-21T10:15:00.000Z");
    expect(report.findings[0]?.message).toContain("Look: afk status");
    expect(told()).toEqual(["No tick since Sat 21 Nov 10:10"]);
  });

  it("when the machine slept through a night of ticks and the timer is dead today", async () => {
    const { ticks, clock, look } = await watchdogHarness();
    await ticks(6);
    clock.advance(10 * HOUR);
    await ticks(4);
    clock.advance(5 * MINUTE + GRACE + 1);
    expect(await look()).toMatchObject({ exitCode: 1 });
  });

  it("when the only tick there was said that the next is due, and none came", async () => {
    const { tick, clock, look } = await watchdogHarness();
    await tick({ next_due_at: clock.nowMs() + HOUR });
    clock.advance(HOUR + GRACE);
    expect(await look()).toMatchObject({ exitCode: 0 });
    clock.advance(1);
    expect(await look()).toMatchObject({ exitCode: 1 });
  });

  it("when no tick has ever run although jobs are configured", async () => {
    const { withDb, clock, look } = await watchdogHarness();
    await withDb((db) => born(db, clock.nowMs()));
    clock.advance(5 * MINUTE + GRACE + 1);
    expect(await look()).toMatchObject({ exitCode: 1, findings: [{ title: "No tick has ever run" }] });
  });

  it("when a tick never ended: soon where its process is gone, later where it hangs", async () => {
    const { target, tick, clock, look } = await watchdogHarness();
    await tick({ outcome: "running", finished_at: null });
    const lock = acquireLock(join(target.state, "lock.db"));
    clock.advance(5 * MINUTE + GRACE + 1);
    expect(await look()).toMatchObject({ exitCode: 0 });
    lock.release();
    expect(await look()).toMatchObject({
      exitCode: 1,
      findings: [{ title: "A tick died, and none came after it" }],
    });
    const again = acquireLock(join(target.state, "lock.db"));
    clock.advance(DAY);
    expect(await look()).toMatchObject({ exitCode: 1, findings: [{ title: "A tick hangs" }] });
    again.release();
  });
});

async function born(
  db: Parameters<Parameters<Awaited<ReturnType<typeof watchdogHarness>>["withDb"]>[0]>[0],
  ms: number,
) {
  const { sql } = await import("kysely");
  await sql`update kysely_migration set timestamp = ${new Date(ms).toISOString()}`.execute(db);
}
