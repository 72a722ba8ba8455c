// @module-tag processes
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { StateLocked } from "../../../src/store/errors.ts";
import { acquireLock, acquireLocks, isLocked } from "../../../src/store/sqlite/lock.ts";
import { race, startChild } from "../../support/child.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";
import { tempDir } from "../../support/temp.ts";

const CHILDREN = fileURLToPath(new URL("../children.ts", import.meta.url));
const lockPath = () => join(tempDir(), "lock.db");

test("a state directory that is held is refused to the second, with exit code 75", () => {
  const path = lockPath();
  const lock = acquireLock(path);
  expect(() => acquireLock(path)).toThrow(StateLocked);
  expect(() => acquireLock(path)).toThrow(
    expect.objectContaining({ code: "locked", exitCode: 75, retry: "later" }),
  );
  lock.release();
});

test("of several locks all are taken, or none", () => {
  const paths = [lockPath(), lockPath(), lockPath()];
  const second = acquireLock(paths[1]!);
  expect(() => acquireLocks(paths)).toThrow(StateLocked);
  expect(paths.map(isLocked)).toEqual([false, true, false]);
  second.release();
  const all = acquireLocks(paths);
  expect([paths.map(isLocked), all.files.map(({ path }) => path)]).toEqual([[true, true, true], paths]);
  all.release();
  expect(paths.map(isLocked)).toEqual([false, false, false]);
});

test("what was released can be taken again", () => {
  const path = lockPath();
  acquireLock(path).release();
  acquireLock(path).release();
});

test("a lock whose owner forgot about it is held all the same", async () => {
  const path = lockPath();
  acquireLock(path);
  // A finalizer of native code runs in a turn of its own, after the collection.
  await setImmediate();
  collectGarbage();
  await setImmediate();
  expect(isLocked(path)).toBe(true);
});

test("a second process is refused while the first one lives", async () => {
  const path = lockPath();
  const holder = await startChild(CHILDREN, ["lock", path]);
  expect(await holder.go()).toBe("locked");
  expect(() => acquireLock(path)).toThrow(StateLocked);
  const second = await startChild(CHILDREN, ["lock", path]);
  expect(await second.go()).toMatchObject({ code: "locked" });
});

test("the lock of a process that was killed is free at once", async () => {
  const path = lockPath();
  const holder = await startChild(CHILDREN, ["lock", path]);
  await holder.go();
  expect(isLocked(path)).toBe(true);
  await holder.kill();
  expect(isLocked(path)).toBe(false);
  acquireLock(path).release();
});

test("of several processes that reach for the lock at once, one gets it", async () => {
  const path = lockPath();
  const results = await race(
    CHILDREN,
    Array.from({ length: 4 }, () => ["lock", path]),
  );
  expect(results.filter((result) => result === "locked")).toHaveLength(1);
  expect(results.filter((result) => result !== "locked")).toEqual(
    Array.from({ length: 3 }, () => expect.objectContaining({ code: "locked" })),
  );
});

test("whether somebody holds it is told without taking it away", async () => {
  const path = lockPath();
  expect(isLocked(path)).toBe(false);
  const lock = acquireLock(path);
  expect(isLocked(path)).toBe(true);
  expect(isLocked(path)).toBe(true);
  const looker = await startChild(CHILDREN, ["is-locked", path]);
  expect(await looker.go()).toBe(true);
  expect(() => acquireLock(path)).toThrow(StateLocked);
  lock.release();
  expect(isLocked(path)).toBe(false);
});

test("missing folders above the lock are made", () => {
  acquireLock(join(tempDir(), "var", "lib", "lock.db")).release();
});

test("a lock that cannot be taken for another reason is not taken for held", () => {
  const dir = tempDir();
  mkdirSync(join(dir, "folder.db"));
  writeFileSync(join(dir, "file"), "");
  for (const path of [join(dir, "folder.db"), join(dir, "file", "lock.db")]) {
    const refused = expect.objectContaining({ code: "store_unwritable" });
    expect(() => acquireLock(path)).toThrow(refused);
    expect(() => isLocked(path)).toThrow(refused);
  }
});
