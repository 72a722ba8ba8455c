import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolders } from "../../src/lib/folders.ts";
import { tempDir } from "../support/temp.ts";

test("makes the folders that are missing, and gives the first of them", () => {
  const dir = tempDir();
  expect(makeFolders(join(dir, "a", "b", "c"))).toBe(join(dir, "a"));
  expect(makeFolders(join(dir, "a", "b", "d"))).toBe(join(dir, "a", "b", "d"));
  expect(existsSync(join(dir, "a", "b", "c"))).toBe(true);
});

test("takes what is there, a link to a folder too", () => {
  const dir = tempDir();
  mkdirSync(join(dir, "real"));
  symlinkSync(join(dir, "real"), join(dir, "link"));
  expect(makeFolders(join(dir, "link"))).toBeUndefined();
  expect(makeFolders("/")).toBeUndefined();
  expect(makeFolders(".")).toBeUndefined();
});

test("refuses where a file stands in the way, and a link that leads nowhere", () => {
  const dir = tempDir();
  writeFileSync(join(dir, "file"), "");
  symlinkSync(join(dir, "nowhere"), join(dir, "dangling"));
  expect(() => makeFolders(join(dir, "file"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
  expect(() => makeFolders(join(dir, "file", "a"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  expect(() => makeFolders(join(dir, "dangling"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
});

test.skipIf(process.platform !== "linux")("asks a file system that takes no folder once, and no more", () => {
  for (const path of ["/proc/x", "/proc/x/y/z", "/proc/self/x"])
    expect(() => makeFolders(path)).toThrow(expect.objectContaining({ code: "ENOENT" }));
});
