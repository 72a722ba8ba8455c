import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { expect, onTestFinished } from "vitest";
import { exec } from "../../../src/jobs/exec/exec.ts";
import { execSettings } from "../../../src/jobs/exec/settings.ts";
import type { JobResult } from "../../../src/jobs/job.ts";
import { type FakeJob, fakeJob, type JobMemory } from "../../support/job-context.ts";
import { tempDir } from "../../support/temp.ts";

/**
 * A folder that commands run in, with scripts for them:
 * `linger.sh` says its pid and mark, ignores SIGTERM and stays;
 * `daemon.mjs NAME...` leaves `linger.sh` behind in a session of its own, its parent gone, with only these variables.
 */
export interface Bench {
  dir: string;
  /** Runs a command as the job `work` does. */
  run(command: string[], options?: RunOptions): Promise<JobResult>;
  /** The last run's context, with its log and files. */
  last(): FakeJob<unknown>;
  /** Resolves once `count` processes have said their pids in the file `pids`. */
  lingering(count: number): Promise<void>;
  /** Processes that carry a mark found in `marks`, or have said their pid, and are alive. */
  alive(): number[];
  read(name: string): string;
}

interface RunOptions {
  settings?: Record<string, unknown>;
  payload?: unknown;
  signal?: AbortSignal;
  memory?: JobMemory;
}

/** Everything is over long before this; a wait that takes longer has failed. */
const WAIT_MS_MAX = 10_000;

const LINGER = `trap '' TERM
echo "$AFK_EXEC" >> marks
echo $$ >> pids
while :; do sleep 0.1; done
`;

const DAEMON = `import { spawn } from "node:child_process";
const env = Object.fromEntries(process.argv.slice(2).map((name) => [name, process.env[name]]));
spawn("/bin/sh", ["linger.sh"], { detached: true, stdio: "ignore", env }).unref();
`;

/** Once the test is over, nothing that was started may be alive; what is gets killed. */
export function bench(): Bench {
  const dir = tempDir();
  writeFileSync(join(dir, "linger.sh"), LINGER);
  writeFileSync(join(dir, "daemon.mjs"), DAEMON);
  const read = (name: string) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8") : "");
  const lines = (name: string) =>
    read(name)
      .split("\n")
      .filter((line) => line !== "");
  const alive = () => {
    const marks = [...new Set(lines("marks"))];
    const carrying = processes().filter(({ environment }) =>
      marks.some((mark) => environment.includes(`AFK_EXEC=${mark}`)),
    );
    const said = lines("pids").map(Number).filter(isAlive);
    return [...new Set([...carrying.map(({ pid }) => pid), ...said])];
  };
  onTestFinished(() => {
    const left = alive();
    for (const pid of left) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    expect(left).toEqual([]);
  });
  let job: FakeJob<unknown> | undefined;
  return {
    dir,
    read,
    alive,
    last: () => job!,
    lingering: (count) => until(() => lines("pids").length >= count),
    run(command, { settings = {}, payload = null, ...options } = {}) {
      const parsed = v.parse(execSettings, { command, ...settings });
      const made = fakeJob(parsed, { name: "work", base: dir, ...options });
      job = made;
      return exec.run({ ...made.context, payload });
    },
  };
}

/** Looks every few milliseconds until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(WAIT_MS_MAX);
  while (!isSo()) {
    limit.throwIfAborted();
    await delay(10);
  }
}

function processes(): { pid: number; environment: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), environment: readOr(`/proc/${pid}/environ`) }));
}

/** A process that has ended and waits for its parent is not alive. */
function isAlive(pid: number): boolean {
  const stat = readOr(`/proc/${pid}/stat`);
  return stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
