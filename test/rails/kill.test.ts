import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { announceKill, clearKill, readKill, setKill } from "../../src/rails/kill.ts";
import { readStopFile } from "../../src/rails/stop-file.ts";
import { alerts, besides, testRails } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const set = (rails: RailsOn, reason: string) =>
  rails.store.atomically((trx) => setKill(trx, rails.outbox.announce, reason, rails.clock.nowMs()));
const clear = (rails: RailsOn) => rails.store.atomically((trx) => clearKill(trx, rails.stopFile));
const read = (rails: RailsOn) => readKill(rails.store.db, rails.stopFile);

it("is off at first", async () => {
  expect(await read(await testRails())).toBe(null);
});

describe("the row", () => {
  it("is seen by every process, and outlives them", async () => {
    const rails = await testRails();
    await set(rails, "too dear");
    const kill = { by: "row", at: rails.clock.nowMs(), reason: "too dear" };
    expect(await read(rails)).toEqual(kill);
    rails.clock.reboot(60_000);
    expect(await read(await besides(rails))).toEqual(kill);
  });

  it("keeps the first reason and moment, and is told of once", async () => {
    const rails = await testRails();
    const first = rails.clock.nowMs();
    await set(rails, "first");
    rails.clock.advance(1_000);
    await set(rails, "second");
    expect(await read(rails)).toEqual({ by: "row", at: first, reason: "first" });
    expect(await alerts(rails)).toMatchObject([{ event: "kill_set", key: `kill_set:row:${first}` }]);
  });

  it("can be set again after it was cleared, and is told of again", async () => {
    const rails = await testRails();
    await set(rails, "first");
    expect(await clear(rails)).toMatchObject({ reason: "first" });
    expect(await read(rails)).toBe(null);
    rails.clock.advance(1);
    await set(rails, "second");
    expect(await read(rails)).toMatchObject({ reason: "second" });
    expect(await alerts(rails, "kill_set")).toHaveLength(2);
  });

  it("counts as set when it is missing, and is put back when it is cleared", async () => {
    const rails = await testRails();
    await rails.store.db.deleteFrom("kill_switch").execute();
    expect(await read(rails)).toMatchObject({ by: "row", reason: expect.stringContaining("missing") });
    await clear(rails);
    expect(await readKill(rails.store.db, rails.stopFile)).toBe(null);
  });

  it("is not off when its table cannot be read", async () => {
    const rails = await testRails();
    await rails.store.db.schema.dropTable("kill_switch").execute();
    await expect(read(rails)).rejects.toThrow("kill_switch");
  });
});

describe("the STOP file", () => {
  it("is set by being there, whatever is in it", async () => {
    const rails = await testRails();
    writeFileSync(rails.stopFile, "");
    utimesSync(rails.stopFile, 1_000, 1_000);
    expect(await read(rails)).toMatchObject({ by: "file", at: 1_000_000 });
  });

  it("counts as set as a folder, and as a link to nowhere", async () => {
    const rails = await testRails();
    mkdirSync(join(rails.dir, "folder"));
    symlinkSync(join(rails.dir, "nowhere"), join(rails.dir, "link"));
    expect(readStopFile(join(rails.dir, "folder"))).toMatchObject({ by: "file" });
    expect(readStopFile(join(rails.dir, "link"))).toMatchObject({ by: "file" });
  });

  it.each([
    ["below a file instead of a folder", (dir: string) => join(dir, "afk.db", "STOP")],
    ["with a name too long for the file system", (dir: string) => join(dir, "S".repeat(300))],
    ["with a name that no file can have", (dir: string) => `${dir}/ST\0OP`],
    ["in a circle of links", (dir: string) => join(dir, "circle", "STOP")],
  ])("counts as set when its path cannot be checked: %s", async (_name, pathIn) => {
    const rails = await testRails();
    symlinkSync("circle", join(rails.dir, "circle"));
    expect(readStopFile(pathIn(rails.dir))).toMatchObject({
      by: "file",
      reason: expect.stringContaining("cannot be checked"),
    });
  });

  it("counts as set when its folder does not exist: a mount may have gone away", async () => {
    const rails = await testRails();
    const folder = join(rails.dir, "mount");
    symlinkSync(join(rails.dir, "nowhere"), join(rails.dir, "link"));
    for (const gone of [folder, join(rails.dir, "link")])
      expect(readStopFile(join(gone, "STOP"))).toMatchObject({
        by: "file",
        reason: expect.stringContaining(`the folder ${gone} is not there`),
      });
    mkdirSync(folder);
    expect(readStopFile(join(folder, "STOP"))).toBe(null);
  });

  it("in a folder that does not exist is not called clear", async () => {
    const rails = await testRails();
    await set(rails, "row");
    const gone = join(rails.dir, "mount", "STOP");
    await expect(rails.store.atomically((trx) => clearKill(trx, gone))).rejects.toMatchObject({
      code: "stop_file_stays",
      message: expect.stringContaining(join(rails.dir, "mount")),
    });
    expect(await readKill(rails.store.db, rails.stopFile)).toMatchObject({ by: "row" });
  });

  it("comes before the row, and clearing takes both away", async () => {
    const rails = await testRails();
    await set(rails, "row");
    writeFileSync(rails.stopFile, "");
    expect(await clear(rails)).toMatchObject({ by: "file" });
    expect(existsSync(rails.stopFile)).toBe(false);
    expect(await read(rails)).toBe(null);
  });

  it("that cannot be removed leaves the row set too", async () => {
    const rails = await testRails();
    await set(rails, "row");
    mkdirSync(rails.stopFile);
    await expect(clear(rails)).rejects.toMatchObject({
      code: "stop_file_stays",
      message: expect.stringContaining(`${rails.stopFile} is a folder`),
    });
    expect(await read(rails)).toMatchObject({ by: "file" });
    expect(await rails.store.db.selectFrom("kill_switch").select("reason").execute()).toEqual([
      { reason: "row" },
    ]);
  });

  it("is told of once, however often it is met", async () => {
    const rails = await testRails();
    const kill = { by: "file" as const, at: 5_000, reason: "the file is there" };
    for (let n = 0; n < 3; n++)
      await rails.store.atomically((trx) => announceKill(trx, rails.outbox.announce, kill));
    expect(await alerts(rails)).toMatchObject([{ event: "kill_set", key: "kill_set:file:5000" }]);
  });
});

describe("a second STOP file with the same time of modification", () => {
  const time = new Date("2026-11-21T09:00:00Z");
  const tell = async (rails: RailsOn) => {
    const kill = await read(rails);
    await rails.store.atomically((trx) => announceKill(trx, rails.outbox.announce, kill!));
  };

  it("is told of again, and each but once", async () => {
    const rails = await testRails();
    for (let round = 0; round < 2; round++) {
      writeFileSync(rails.stopFile, "");
      utimesSync(rails.stopFile, time, time);
      for (let met = 0; met < 3; met++) await tell(rails);
      expect(await read(rails)).toMatchObject({ at: time.getTime() });
      rmSync(rails.stopFile);
      // The kernel's own clock for files goes in steps of some milliseconds.
      await systemClock.sleep(20);
    }
    expect(await alerts(rails, "kill_set")).toHaveLength(2);
  });

  it("is told of again when the very same file is moved away and back", async () => {
    const rails = await testRails();
    writeFileSync(rails.stopFile, "");
    await tell(rails);
    renameSync(rails.stopFile, `${rails.stopFile}.off`);
    await systemClock.sleep(20);
    renameSync(`${rails.stopFile}.off`, rails.stopFile);
    await tell(rails);
    await tell(rails);
    expect(await alerts(rails, "kill_set")).toHaveLength(2);
  });
});

it("that cannot be read is told of once, and again after the agent has worked", async () => {
  const rails = await testRails();
  const kill = { by: "file" as const, at: 0, reason: "the folder is not there" };
  const tell = () => rails.store.atomically((trx) => announceKill(trx, rails.outbox.announce, kill));
  await tell();
  await tell();
  const tick = { id: "01", started_at: 1, finished_at: 2, outcome: "idle" as const, by_hand: 0, version: "" };
  const nothing = { reason: null, units: 0, cost_micros: 0, next_due_at: null };
  await rails.store.db
    .insertInto("ticks")
    .values({ ...tick, ...nothing })
    .execute();
  await tell();
  await tell();
  expect(await alerts(rails, "kill_set")).toHaveLength(2);
});

it("says nothing of a kill that was not committed", async () => {
  const rails = await testRails();
  const crashing = rails.store.atomically(async (trx) => {
    await setKill(trx, rails.outbox.announce, "reason", rails.clock.nowMs());
    throw new Error("crash");
  });
  await expect(crashing).rejects.toThrow("crash");
  expect(await read(rails)).toBe(null);
  expect(await alerts(rails)).toEqual([]);
});
