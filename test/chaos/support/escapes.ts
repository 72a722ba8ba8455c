import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { findProcess, type Process } from "../../../src/lib/processes.ts";
import { COMPILE_CACHE, type Deployment, deployment } from "../../support/afk.ts";
import { isChaos } from "../../support/chaos.ts";
import { tempDir } from "../../support/temp.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const NOBODY = 65_534;
const PATH = process.env.PATH ?? "";
/** Longer than any kill may take, on a busy machine too. */
const GONE_MS_MAX = 20_000;

/**
 * Where afk runs: as root and as somebody else with a namespace for each program; as the first process of a container that
 * grants no namespace; and where there is neither.
 */
export const LOCATIONS = ["namespace", "namespace, not root", "container", "marks"] as const;
export type Place = (typeof LOCATIONS)[number];

/** What gets away from a search for children, groups, sessions, variables or names. `sleep $M` is what has to be gone. */
export const ESCAPES: Record<string, string> = {
  "double fork": "( (sleep $M & ) & )",
  "a session of its own": "setsid -f sleep $M",
  nohup: "nohup sleep $M >/dev/null 2>&1 &",
  "a cleared environment": "setsid -f env -i sleep $M",
  "lowered limits and a cleared environment":
    "(ulimit -S -f 100; ulimit -H -f 100; exec setsid -f env -i sleep $M)",
  "SIGSTOP of all that is there":
    // Of what carries the run's mark, so that a test which fails does not stop the machine.
    'for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || ! grep -qs "AFK_EXEC=$AFK_EXEC" $p/environ || kill -STOP "$(basename $p)"; done',
  "another name": 'ln -sf "$(command -v sleep)" kworker; setsid -f ./kworker $M',
  "closed descriptors": "setsid -f sleep $M <&- >&- 2>&-",
  "many children": manyChildren(isChaos() ? 2_000 : 100),
  "nested namespaces": "setsid -f unshare --user --map-root-user --pid --fork --mount-proc env -i sleep $M",
  "a killed supervisor": "setsid -f env -i sleep $M; echo >> ready; kill -KILL $PPID",
};

/** Bounded, so that the machine is left alive when the test fails. */
export function manyChildren(count: number): string {
  return `n=0; while [ $n -lt ${count} ]; do sleep $M & n=$((n+1)); done`;
}

export interface Breakout {
  target: Deployment;
  /** Starts `afk` with these words in the place. */
  start(words: string[]): { afk(): number; ended: Promise<unknown>; child: ChildProcess };
  /** Resolves once the command has said that it got away, `count` times in all. */
  isReady(count?: number): Promise<void>;
  /** Processes of the command that are alive, seen from outside. */
  alive(): Process[];
  /** Resolves with the number of survivors, as soon as that is 0. */
  settled(): Promise<number>;
}

let markers = 0;

/** A deployment whose job gets away like this, and then either ends or stays. What is left is killed after the test. */
export function breakout(place: Place, script: string, stays: boolean): Breakout {
  const marker = `9876${process.pid}.${++markers}`;
  const noTools = tempDir();
  const rest = `echo >> ready${stays ? "; sleep $M; true" : ""}`;
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 0 },
    models: { chain: ["extractive"] },
    jobs: [
      {
        name: "work",
        kind: "exec",
        every: "1d",
        timeout: "1m",
        command: ["sh", "-c", `M=${marker}; ${script}\n${rest}`],
        env: { PATH },
      },
    ],
  });
  const isNobody = place === "namespace, not root";
  if (isNobody) for (const path of [target.dir, target.configFile]) chownSync(path, NOBODY, NOBODY);
  const alive = () => carrying(marker);
  onTestFinished(() => {
    for (const { pid } of alive()) killIfThere(pid);
  });
  return {
    target,
    alive,
    start(words) {
      const [file = "", ...rest] = [...inFront(place), process.execPath, MAIN, ...words];
      const child = spawn(file, rest, {
        cwd: target.dir,
        stdio: "ignore",
        // Without the tools afk finds no namespace; the command has its own PATH.
        env: {
          PATH: place.startsWith("namespace") ? PATH : noTools,
          HOME: target.dir,
          TZ: "UTC",
          ...COMPILE_CACHE,
        },
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      onTestFinished(async () => {
        child.kill("SIGKILL");
        await ended;
      });
      const pid = child.pid ?? 0;
      return { afk: () => (place === "container" ? (childrenOf(pid)[0] ?? 0) : pid), ended, child };
    },
    isReady: (count = 1) =>
      until(
        () =>
          existsSync(join(target.dir, "ready")) &&
          readFileSync(join(target.dir, "ready"), "utf8").length >= count,
      ),
    async settled() {
      const endsAt = performance.now() + GONE_MS_MAX;
      while (alive().length > 0 && performance.now() < endsAt) await sleep(200);
      return alive().length;
    },
  };
}

function inFront(place: Place): string[] {
  if (place === "container")
    return ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
  return place === "namespace, not root" ? ["/usr/bin/setpriv", ...user] : [];
}

/** The supervisor of the command that a worker runs, wherever in its family it is; 0 when there is none. */
export function supervisorOf(worker: number): number {
  const family = [worker];
  for (const pid of family) family.push(...childrenOf(pid));
  return family.find((pid) => wordsOf(pid)[1]?.endsWith("supervisor.ts")) ?? 0;
}

export async function until(isSo: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(GONE_MS_MAX);
  while (!isSo()) {
    limit.throwIfAborted();
    await sleep(10);
  }
}

function carrying(marker: string): Process[] {
  return pids()
    .filter((pid) => wordsOf(pid).some((word) => word.includes(marker)))
    .flatMap((pid) => findProcess(pid) ?? []);
}

function childrenOf(parent: number): number[] {
  return pids().filter((pid) => findProcess(pid)?.parent === parent);
}

function pids(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

export function killIfThere(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
