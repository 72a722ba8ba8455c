import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { expect, onTestFinished, vi } from "vitest";
import type { View } from "../../../src/jobs/containment/enclosure.ts";
import { exec } from "../../../src/jobs/exec/exec.ts";
import { execSettings } from "../../../src/jobs/exec/settings.ts";
import type { JobResult, RunGateway, RunProxy } from "../../../src/jobs/job.ts";
import type { Fields } from "../../../src/lib/log.ts";
import { type FakeJob, fakeJob, type JobMemory } from "../../support/job-context.ts";
import { tempDir } from "../../support/temp.ts";

/**
 * A folder that commands run in, with scripts for them:
 * `linger.sh` says that it is there, ignores SIGTERM and stays;
 * `daemon.mjs NAME...` leaves `linger.sh` behind in a session of its own, its parent gone, with only these variables.
 */
export interface Harness {
  dir: string;
  /** Runs a command as the job `work` does. */
  run(command: string[], options?: RunOptions): Promise<JobResult>;
  /** The last run's context, with its log and files. */
  last(): FakeJob<unknown>;
  /** What the log says of the end of the last run. */
  ended(): Fields;
  /** Resolves once `count` processes have said in the file `here` that they are there. */
  lingering(count: number): Promise<void>;
  /** Processes that run in the folder. */
  alive(): number[];
  read(name: string): string;
}

interface RunOptions {
  settings?: Record<string, unknown>;
  payload?: unknown;
  variables?: Record<string, string>;
  signal?: AbortSignal;
  memory?: JobMemory;
  gateway?: RunGateway;
  proxy?: RunProxy;
  view?: View;
  /** Written into the folder before. */
  files?: Record<string, string>;
}

/** Everything is over long before this; a wait that takes longer has failed. */
const WAIT_MS_MAX = 30_000;

const LINGER = `trap '' TERM
echo >> here
while :; do sleep 0.1; done
`;

const DAEMON = `import { spawn } from "node:child_process";
const env = Object.fromEntries(process.argv.slice(2).map((name) => [name, process.env[name]]));
spawn("/bin/sh", ["linger.sh"], { detached: true, stdio: "ignore", env }).unref();
`;

const PATH = process.env.PATH ?? "";

/** Once the test is over, nothing that was started may be alive; what is gets killed. */
export function harness(kind: "namespace" | "marks" = "namespace"): Harness {
  const dir = tempDir();
  // afk itself finds none of the tools there that a namespace takes.
  const noTools = tempDir();
  writeFileSync(join(dir, "linger.sh"), LINGER);
  writeFileSync(join(dir, "daemon.mjs"), DAEMON);
  onTestFinished(() => void vi.unstubAllEnvs());
  const read = (name: string) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8") : "");
  // By the folder that they run in, whatever they have made of their tags; pids are others within a namespace.
  const alive = () => processesIn(dir);
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
    ended: () => job!.events.find(({ event }) => event === "exec_ended")!.fields,
    lingering: (count) => until(() => read("here").length >= count),
    run(command, { settings = {}, payload = null, files = {}, ...options } = {}) {
      for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
      if (kind === "marks") vi.stubEnv("PATH", noTools);
      const env = kind === "marks" ? { env: { PATH } } : {};
      const parsed = v.parse(execSettings, { command, ...env, ...settings });
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

function processesIn(dir: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && folderOf(pid) === dir && isAlive(pid));
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
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
