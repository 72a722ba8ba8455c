import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jobKinds } from "../../../src/jobs/registry.ts";
import { lockedFiles } from "../../../src/runner/job/locked-files.ts";
import { load, withBase } from "../../config/support.ts";

const exec = (name: string, ...command: string[]) => ({ name, kind: "exec", command });

test("scripts beside afk.yaml are protected, and the text of a program is no path, however long", () => {
  const config = load(
    withBase({
      jobs: [
        exec("script", "node", "--no-warnings", "jobs/fetch.mjs"),
        exec("program", "./tidy.sh"),
        exec("long", "node", "-e", "1;".repeat(10_000)),
        exec("below-a-file", "sh", "tidy.sh/none"),
        exec("shell", "sh", "-c", "exit 0"),
      ],
    }),
    { jobKinds },
  );
  const { base } = config.paths;
  mkdirSync(join(base, "jobs"));
  for (const name of ["jobs/fetch.mjs", "tidy.sh"]) writeFileSync(join(base, name), "");
  const own = lockedFiles(config).flatMap(({ path, unlessIn }) => (unlessIn === null ? [path] : []));
  expect(own.filter((path) => path.startsWith(base))).toEqual([
    join(base, "jobs/fetch.mjs"),
    join(base, "tidy.sh"),
  ]);
});
