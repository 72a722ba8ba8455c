import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { findReplaced, type OpenedFile, openedFiles } from "../../src/lib/opened-files.ts";
import { tempDir } from "../support/temp.ts";

let dir: string;
let path: string;
let files: OpenedFile[];

beforeEach(() => {
  dir = tempDir();
  path = join(dir, "state", "a");
  mkdirSync(join(dir, "state"));
  writeFileSync(path, "one");
  files = openedFiles([path, join(dir, "state", "never-there")]);
});

describe("a file is in its place", () => {
  it("when it is written to, and where another one was never there", () => {
    writeFileSync(path, "two");
    writeFileSync(join(dir, "state", "never-there"), "");
    expect(findReplaced(files)).toBeNull();
  });

  it("when it has a second name, or came back to its own", () => {
    linkSync(path, join(dir, "b"));
    renameSync(path, join(dir, "c"));
    renameSync(join(dir, "b"), path);
    expect(findReplaced(files)).toBeNull();
  });
});

describe("a file is not in its place", () => {
  it("when it was moved, or the folder above it", () => {
    renameSync(path, join(dir, "b"));
    expect(findReplaced(files)).toBe(`${path} was moved or deleted`);
    renameSync(join(dir, "b"), path);
    renameSync(join(dir, "state"), join(dir, "elsewhere"));
    expect(findReplaced(files)).toBe(`${path} was moved or deleted`);
    writeFileSync(join(dir, "state"), "");
    expect(findReplaced(files)).not.toBeNull();
  });

  it("when a copy of it is there, or a link that leads to one", () => {
    copyFileSync(path, join(dir, "copy"));
    linkSync(path, join(dir, "kept"));
    rmSync(path);
    symlinkSync(join(dir, "copy"), path);
    expect(findReplaced(files)).toBe(`another file is in the place of ${path}`);
    rmSync(path);
    renameSync(join(dir, "copy"), path);
    expect(findReplaced(files)).toBe(`another file is in the place of ${path}`);
  });

  it("when it cannot be looked at", () => {
    rmSync(path);
    symlinkSync(path, path);
    expect(findReplaced(files)).toContain(`${path} cannot be looked at any more`);
  });
});
