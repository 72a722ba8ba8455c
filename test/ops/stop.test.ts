import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stopByFile, stopByRow } from "../../src/ops/stop.ts";
import { readKill } from "../../src/rails/kill.ts";
import { alerts } from "../support/rails.ts";
import { testStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { opsHarness } from "./harness.ts";

describe("a stop in the database", () => {
  test("is on disk with its reason and its moment, and is alerted", async () => {
    const { rails } = await opsHarness();
    expect(await stopByRow(rails, "looks wrong", rails.clock)).toEqual({
      by: "row",
      detail: "looks wrong",
      atMs: rails.clock.nowMs(),
    });
    const again = await testStore(rails.path);
    expect(await readKill(again.db, rails.stopFile)).toEqual({
      by: "row",
      at: rails.clock.nowMs(),
      reason: "looks wrong",
    });
    expect(await alerts(rails, "kill_set")).toHaveLength(1);
  });

  test("that is set twice keeps its first reason, and is alerted once", async () => {
    const { rails } = await opsHarness();
    await stopByRow(rails, "first", rails.clock);
    rails.clock.advance(1_000);
    expect(await stopByRow(rails, "second", rails.clock)).toEqual({
      by: "row",
      detail: "first",
      atMs: rails.clock.nowMs(),
      wasSet: true,
    });
    expect(await readKill(rails.store.db, rails.stopFile)).toMatchObject({ reason: "first" });
    expect(await alerts(rails, "kill_set")).toHaveLength(1);
  });
});

describe("a stop by file", () => {
  test("makes the file, with the folders above it, and keeps the reason in it", async () => {
    const { rails } = await opsHarness();
    const stopFile = join(tempDir(), "run", "afk", "STOP");
    expect(stopByFile(stopFile, "looks wrong")).toEqual({ by: "file", detail: stopFile });
    expect(readFileSync(stopFile, "utf8")).toBe("looks wrong\n");
    expect(await readKill(rails.store.db, stopFile)).toMatchObject({ by: "file" });
  });

  test("can be set twice", () => {
    const stopFile = join(tempDir(), "STOP");
    stopByFile(stopFile, "first");
    stopByFile(stopFile, "second");
    expect(readFileSync(stopFile, "utf8")).toBe("second\n");
  });
});
