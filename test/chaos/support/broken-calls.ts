import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE, type Deployment, type Exit } from "../../support/afk.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

/** The system calls that fail, and how often one tick makes them: the failing one is among these. */
export const BREAKABLE = { fsync: 30, pwrite64: 160, pread64: 60 } as const;

export interface Broken extends Exit {
  /** The file whose call failed; null when the tick made fewer calls than that. */
  failed: string | null;
  /** Whether it was a call of a checkpoint, which costs nothing: what it carries over is safe in the log. */
  isCheckpoint: boolean;
  /** Writes to the database's log that came after the failed call. */
  wroteAfter: number;
  /** Which calls of fsync ended a commit. */
  commits: number[];
}

/** Runs `afk tick` with the n-th call of this kind on the state's own files failing with EIO. */
export function tickWithFault(target: Deployment, call: keyof typeof BREAKABLE, n: number): Broken {
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
  return { code: status, signal, stdout, stderr, ...readTrace(readFileSync(trace, "utf8").split("\n")) };
}

/** A checkpoint writes to the database, and before it syncs the log once more, to which nothing was added since its last sync. */
function readTrace(lines: string[]): Omit<Broken, keyof Exit> {
  const found = {
    failed: null as string | null,
    isCheckpoint: false,
    wroteAfter: 0,
    commits: [] as number[],
  };
  let syncs = 0;
  let isUnsynced = false;
  for (const line of lines) {
    const [, call = "", file = ""] = /^(\w+)\(\d+<([^>]*)>/.exec(line) ?? [];
    const isLog = file.endsWith("-wal");
    if (line.includes("(INJECTED)")) {
      found.failed = file;
      found.isCheckpoint = call !== "pread64" && (!isLog || (call === "fsync" && !isUnsynced));
    } else if (found.failed !== null && isLog && call === "pwrite64") found.wroteAfter += 1;
    if (call === "pwrite64" && isLog) isUnsynced = true;
    if (call !== "fsync") continue;
    syncs += 1;
    if (!isLog) continue;
    if (isUnsynced) found.commits.push(syncs);
    isUnsynced = false;
  }
  return found;
}
