// @module-tag processes
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { harness } from "./harness.ts";

test("a program is ended when a file that is hidden from it is replaced from outside", async () => {
  const at = harness();
  const secret = join(at.dir, "secret");
  writeFileSync(secret, "one");
  const running = at.run(["sh", "-c", "echo >> here; while :; do cat secret; sleep 0.05; done"], {
    view: { hidden: [secret], kept: [], locked: [], pinned: [at.dir] },
  });
  await at.lingering(1);
  // As most editors save, and every program that does so safely.
  writeFileSync(`${secret}.new`, "two");
  renameSync(`${secret}.new`, secret);
  await expect(running).rejects.toMatchObject({
    code: "cover_lost",
    message: expect.stringContaining("another file is in the place of"),
  });
  expect(at.alive()).toEqual([]);
});
