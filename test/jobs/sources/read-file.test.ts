import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFileBounded } from "../../../src/jobs/sources/read-file.ts";
import { tempDir } from "../../support/temp.ts";

test("follows links only where the owner wrote the path", async () => {
  const folder = tempDir();
  writeFileSync(join(folder, "real"), "content");
  symlinkSync(join(folder, "real"), join(folder, "link"));
  const { bytes } = await readFileBounded(join(folder, "link"), { bytesMax: 7, followLinks: true });
  expect(Buffer.from(bytes).toString()).toBe("content");
  await expect(readFileBounded(join(folder, "link"), { bytesMax: 7, followLinks: false })).rejects.toThrow(
    /link: it is a symbolic link/,
  );
});

test("refuses a file of one byte too many, a folder, and a path through a file", async () => {
  const folder = tempDir();
  writeFileSync(join(folder, "file"), "content");
  mkdirSync(join(folder, "sub"));
  const read = (name: string) => readFileBounded(join(folder, name), { bytesMax: 6, followLinks: true });
  await expect(read("file")).rejects.toThrow(/larger than 6 bytes/);
  await expect(read("sub")).rejects.toThrow(/not a file/);
  await expect(read("file/x")).rejects.toThrow(/not a folder/);
});
