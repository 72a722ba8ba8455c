import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePrivateFolder } from "../../src/lib/private-files.ts";
import { tempDir } from "../support/temp.ts";

test("makes the folders that are missing, and gives them, the outermost first", () => {
  const dir = tempDir();
  expect(makePrivateFolder(join(dir, "a", "b", "c"))).toEqual(
    ["a", "a/b", "a/b/c"].map((name) => join(dir, name)),
  );
  expect(makePrivateFolder(join(dir, "a", "b", "d"))).toEqual([join(dir, "a", "b", "d")]);
  expect(existsSync(join(dir, "a", "b", "c"))).toBe(true);
});

test("takes what is there, a link to a folder too", () => {
  const dir = tempDir();
  mkdirSync(join(dir, "real"));
  symlinkSync(join(dir, "real"), join(dir, "link"));
  expect(makePrivateFolder(join(dir, "link"))).toEqual([]);
  expect(makePrivateFolder("/")).toEqual([]);
  expect(makePrivateFolder(".")).toEqual([]);
});

test("refuses where a file stands in the way, and a link that leads nowhere", () => {
  const dir = tempDir();
  writeFileSync(join(dir, "file"), "");
  symlinkSync(join(dir, "nowhere"), join(dir, "dangling"));
  expect(() => makePrivateFolder(join(dir, "file"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
  expect(() => makePrivateFolder(join(dir, "file", "a"))).toThrow(
    expect.objectContaining({ code: "EEXIST" }),
  );
  expect(() => makePrivateFolder(join(dir, "dangling"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
});

test("asks a file system that takes no folder once, and no more", ({ skip }) => {
  skip(process.platform !== "linux", "there is no /proc");
  for (const path of ["/proc/x", "/proc/x/y/z", "/proc/self/x"])
    expect(() => makePrivateFolder(path)).toThrow(expect.objectContaining({ code: "ENOENT" }));
});
