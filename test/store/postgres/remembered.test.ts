// @module-tag processes
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { COMPILE_CACHE } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshState } from "../../support/postgres/state.ts";
import { missingTool } from "../../support/system-tools.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem() ?? missingTool("strace");
const SCRIPT = fileURLToPath(new URL("bought-and-said.ts", import.meta.url));

const skipped = problem === null ? "" : ` -- ${problem}`;

describe.skipIf(problem !== null)(`what a machine remembers${skipped}`, () => {
  test("is on its disk before a purchase is told of, and need not be for anything else", async () => {
    const { url, schema } = await freshState();
    const folder = tempDir();
    const trace = join(folder, "strace.txt");
    const options = ["-f", "-y", "-s", "64", "-o", trace, "-e", "trace=write,pwrite64,fdatasync"];
    const { status, stderr } = spawnSync(
      "strace",
      [...options, process.execPath, SCRIPT, url, schema, join(folder, "state")],
      { encoding: "utf8", env: { PATH: process.env.PATH ?? "", ...COMPILE_CACHE } },
    );
    expect(status, stderr).toBe(0);
    const seen = readFileSync(trace, "utf8")
      .split("\n")
      .flatMap((line) => /write\(1<.*"(done|bought)\\n"/.exec(line)?.[1] ?? marked(line));
    expect(seen.join(" ")).toMatch(/^(?:written )+done (?:written )+synced bought$/);
  });
});

/** What was done to the file of the mark, which is made by another name. */
function marked(line: string): string[] {
  if (!line.includes("/fleet-mark.json>")) return [];
  if (line.includes("write64(")) return ["written"];
  return line.includes("fdatasync(") && !line.includes("resumed") ? ["synced"] : [];
}
