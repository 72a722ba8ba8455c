import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { GRACE, HOUR, MINUTE, type WatchdogHarness, watchdogHarness } from "./harness.ts";

const LATE = 5 * MINUTE + GRACE + 1;

describe("an episode", () => {
  it("is told of once, while a worker holds the lock too, and its end is told of once", async () => {
    const { target, ticks, tick, clock, look, told } = await watchdogHarness();
    await ticks(3);
    clock.advance(LATE);
    const lock = acquireLock(join(target.state, "lock.db"));
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 1 } });
    lock.release();
    clock.advance(HOUR);
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0 } });

    await tick();
    expect(await look()).toMatchObject({ exitCode: 0, alerts: { sent: 1 } });
    expect(await look()).toMatchObject({ exitCode: 0, alerts: { sent: 0 } });

    clock.advance(LATE);
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 1 } });
    expect(told()).toEqual([
      "No tick since Sat 21 Nov 10:10",
      "Over: No tick since Sat 21 Nov 10:10",
      "No tick since Sat 21 Nov 11:45",
    ]);
  });

  it("that goes over into the next of its kind has not ended", async () => {
    const { ticks, tick, clock, look, told } = await watchdogHarness();
    await ticks(3);
    clock.advance(LATE);
    await look();
    await tick();
    clock.advance(LATE);
    expect(await look()).toMatchObject({ exitCode: 1, recovered: [] });
    await tick();
    expect(await look()).toMatchObject({ exitCode: 0 });
    expect(told().filter((title) => title.startsWith("Over"))).toHaveLength(1);
  });

  it("writes ALERT.txt, replaces it, and takes it away when all is well", async () => {
    const { target, ticks, tick, clock, look } = await watchdogHarness();
    const file = join(target.state, "out", "ALERT.txt");
    await ticks(3);
    await look();
    expect(existsSync(file)).toBe(false);
    clock.advance(LATE);
    await look();
    const first = readFileSync(file, "utf8");
    expect(first).toContain("No tick since Sat 21 Nov 10:10");
    for (let n = 0; n < 3; n++) await tick({ outcome: "failed" });
    await look();
    const second = readFileSync(file, "utf8");
    expect(second).toContain("gave no output");
    expect(second).not.toContain("No tick since");
    await tick({ outcome: "ok", units: 1 });
    await look();
    expect(existsSync(file)).toBe(false);
  });

  it("is alerted though ALERT.txt cannot be written", async () => {
    const { target, ticks, clock, look, told } = await watchdogHarness();
    await ticks(3);
    writeFileSync(join(target.state, "out"), "a file where the folder should be");
    clock.advance(LATE);
    expect(await look()).toMatchObject({ exitCode: 1 });
    expect(told()).toHaveLength(1);
    expect(target.events()).toContain("alert_file_failed");
  });

  it("waits for the receiver when it is down, and is delivered by a later look", async () => {
    const { ticks, clock, look } = await watchdogHarness({
      alerts: [{ type: "webhook", url: "http://127.0.0.1:9/hook" }],
    });
    await ticks(3);
    clock.advance(LATE);
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0, pending: 1 } });
  });
});

describe("a killed agent is silent on purpose", () => {
  it("and so is the watchdog, by file and by row; what was told of before is not said to be over", async () => {
    const { target, ticks, clock, look, told } = await watchdogHarness();
    await ticks(3);
    clock.advance(LATE);
    await look();
    target.write("state/STOP", "by hand\n");
    expect(await look()).toMatchObject({
      exitCode: 0,
      findings: [],
      recovered: [],
      killed: expect.any(String),
    });
    expect(existsSync(join(target.state, "out", "ALERT.txt"))).toBe(false);
    expect(told()).toHaveLength(1);
  });

  it("but its pending alerts go out", async () => {
    const harness = await watchdogHarness();
    await harness.tick();
    await stopRow(harness);
    await harness.withDb((db) =>
      db
        .insertInto("alerts")
        .values({
          id: "a",
          key: "kill_set:row:1",
          event: "kill_set",
          severity: "warn",
          payload: JSON.stringify({
            version: 1,
            event: "kill_set",
            title: "Stopped",
            message: "m",
            key: "k",
          }),
          created_at: harness.clock.nowMs(),
        })
        .execute(),
    );
    expect(await harness.look()).toMatchObject({ exitCode: 0, alerts: { sent: 1 } });
  });
});

describe("a state that cannot be used", () => {
  it("is told of directly, once, and its end too", async () => {
    const { target, look, told, loseState } = await watchdogHarness({ jobs: [] });
    mkdirSync(target.state, { recursive: true });
    writeFileSync(join(target.state, "afk.db"), "this is no database, and long enough to be looked at");
    expect(await look()).toMatchObject({
      exitCode: 1,
      findings: [{ event: "unusable", title: "The state cannot be used" }],
      alerts: { sent: 1 },
    });
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0 } });
    expect(told()).toEqual(["The state cannot be used"]);
    expect(target.outputs()["ALERT.txt"]).toContain("not a database");
    expect(target.events()).toEqual(expect.arrayContaining(["unusable", "alert_sent"]));

    const text = target.outputs()["ALERT.txt"] ?? "";
    loseState();
    target.write("state/out/ALERT.txt", text);
    expect(await look()).toMatchObject({ exitCode: 0, recovered: ["afk can be used again"] });
    expect(await look()).toMatchObject({ exitCode: 0, recovered: [] });
    expect(told()).toEqual(["The state cannot be used", "afk can be used again"]);
  });

  it("is told again at the next look when no channel took it", async () => {
    const { target, look } = await watchdogHarness({
      alerts: [{ type: "webhook", url: "http://127.0.0.1:9/hook" }],
    });
    target.write("state/afk.db", "this is no database, and long enough to be looked at");
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0, failed: 1 } });
    expect(await look()).toMatchObject({ exitCode: 1, alerts: { sent: 0, failed: 1 } });
    expect(target.outputs()["ALERT.txt"]).toContain("The state cannot be used");
  });

  it("is told of at every look when not even a file can be written", async () => {
    const { target, look, told } = await watchdogHarness();
    target.write("state", "a file where the folder should be");
    expect(await look()).toMatchObject({ exitCode: 1 });
    expect(await look()).toMatchObject({ exitCode: 1 });
    expect(told()).toHaveLength(2);
  });

  it("is told of through the channels of a configuration that is refused", async () => {
    const { target, look, told } = await watchdogHarness();
    target.configure(readFileSync(target.configFile, "utf8").replace('"agent"', '"agnet"'));
    expect(await look()).toMatchObject({
      exitCode: 78,
      findings: [{ event: "unusable", title: "The configuration is refused" }],
    });
    expect(told()).toEqual(["The configuration is refused"]);
  });
});

async function stopRow({ withDb, clock }: WatchdogHarness): Promise<void> {
  await withDb((db) =>
    db.updateTable("kill_switch").set({ set_at: clock.nowMs(), reason: "by hand" }).execute(),
  );
}
