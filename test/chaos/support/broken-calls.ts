import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE, type Deployment, type Exit } from "../../support/afk.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

/** The system calls that fail, and how often one tick makes them: the failing one is among these. */
export const BREAKABLE = { fsync: 60, pwrite64: 160, pread64: 60 } as const;

/**
 * Runs `afk tick` with the n-th call of this kind on the state's own files failing with EIO. `wroteAfter` counts the
 * writes to the database's log that came after the failed call; null when the tick made fewer calls than that.
 */
export function tickWithFault(
  target: Deployment,
  call: keyof typeof BREAKABLE,
  n: number,
): Exit & { failed: string | null; wroteAfter: number } {
  const trace = join(target.dir, "strace.txt");
  const files = ["afk.db", "afk.db-wal"].flatMap((name) => ["-P", join(target.state, name)]);
  const options = [
    "-y",
    "-o",
    trace,
    "-e",
    "trace=fsync,fdatasync,pwrite64,pread64",
    "-e",
    `inject=${call}:error=EIO:when=${n}`,
  ];
  const { status, signal, stdout, stderr } = spawnSync(
    "strace",
    [...options, ...files, process.execPath, MAIN, "tick"],
    {
      cwd: target.dir,
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", HOME: target.dir, TZ: "UTC", ...COMPILE_CACHE },
    },
  );
  const lines = readFileSync(trace, "utf8").split("\n");
  const at = lines.findIndex((line) => line.includes("(INJECTED)"));
  const failed = at === -1 ? null : (/<([^>]*)>/.exec(lines[at] ?? "")?.[1] ?? "");
  const wroteAfter =
    at === -1 ? 0 : lines.slice(at + 1).filter((line) => /^pwrite64\(\d+<[^>]*-wal>/.test(line)).length;
  return { code: status, signal, stdout, stderr, failed, wroteAfter };
}
