// @module-tag slow
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collectFolder } from "../../../../src/jobs/sources/folder/folder.ts";
import { tempDir } from "../../../support/temp.ts";

test("a folder of a hundred thousand files is read in bounded time and memory, the newest", async () => {
  const folder = tempDir();
  for (let n = 0; n < 100_000; n++) writeFileSync(join(folder, `${n}.${n % 2 === 0 ? "md" : "dat"}`), "");
  writeFileSync(join(folder, "newest.md"), "newest");
  utimesSync(join(folder, "newest.md"), new Date(4e12), new Date(4e12));
  const before = process.memoryUsage().heapUsed;
  const { items, notes } = await collectFolder(
    { folder },
    { base: "/nowhere", signal: new AbortController().signal },
  );
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
  expect(items).toMatchObject([{ title: "newest" }]);
  expect(notes.toSorted()).toEqual([
    "only the newest 200 of 50001 files were read",
    "passed over 50000 that afk does not read: 50000 .dat",
  ]);
});
