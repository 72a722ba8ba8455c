import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { viewOf } from "../../../src/runner/job/view.ts";
import { load, withBase } from "../../config/support.ts";
import { tempDir } from "../../support/temp.ts";

/** What programs cannot write beside afk's own code, where the switch is this file. */
function lockedBy(stopFile: string): string[] {
  const config = load(withBase({}), { jobKinds: [] });
  const view = viewOf({ ...config, paths: { ...config.paths, stopFile } });
  return view.locked.map(({ path }) => path).filter((path) => path === dirname(stopFile));
}

test("the folder of the switch is locked where it is one of its own", () => {
  const folder = tempDir();
  expect(lockedBy(join(folder, "STOP"))).toEqual([folder]);
});

test("a folder that others lie in, is everybody's, or is not there yet is left as it is", () => {
  const home = tempDir();
  mkdirSync(join(home, "agent"));
  expect(lockedBy(join(home, "STOP"))).toEqual([]);
  expect(lockedBy("/tmp/STOP")).toEqual([]);
  expect(lockedBy(join(home, "none", "STOP"))).toEqual([]);
});
