import { type ChildProcess, spawn } from "node:child_process";
import type { Environment } from "../config/environment.ts";
import { familyOf, type Known, stillAlive } from "../faults/processes.ts";
import { systemClock } from "../lib/clock.ts";

const CLOSE_MS = 10_000;
const POLL_MS = 10;

/** How a worker ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A real afk process on a scratch deployment. */
export interface Worker {
  pid: number;
  /** Null while it runs. */
  exit: Exit | null;
  /** Rejects when it could not be started. */
  ended: Promise<Exit>;
}

/** A command line of afk, and where it runs. */
export interface WorkerOptions {
  /** The CLI's own entry, a source or the bundle. */
  entry: string;
  /** For Node itself, before the entry. */
  nodeOptions?: readonly string[];
  args: readonly string[];
  cwd: string;
  env: Environment;
}

/** In a group of its own, so that a guard that kills its group takes nothing else along. */
export function startWorker(options: WorkerOptions): Worker {
  const { entry, nodeOptions = [], args, cwd, env } = options;
  const child = spawn(process.execPath, [...nodeOptions, entry, ...args], {
    cwd,
    env,
    detached: true,
    stdio: "ignore",
  });
  const worker: Worker = { pid: child.pid ?? 0, exit: null, ended: endOf(child) };
  const note = (exit: Exit) => {
    worker.exit = exit;
  };
  // One that could not be started has ended too, for whoever reads `exit`.
  worker.ended.then(note, () => note({ code: null, signal: null }));
  return worker;
}

/** `exit code 0`, or the signal. */
export function exitText({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}

function endOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

/** Kills what is left of the workers and of all that they started, by the system's own list, until nothing is. */
export async function endAll(workers: readonly Worker[], known: readonly Known[]): Promise<void> {
  const left = new Map(known.map((each) => [`${each.pid} ${each.started}`, each]));
  const endsMs = systemClock.uptimeMs() + CLOSE_MS;
  for (;;) {
    const running = workers.filter(({ exit }) => exit === null);
    for (const { pid } of running)
      for (const each of familyOf(pid)) left.set(`${each.pid} ${each.started}`, each);
    const alive = stillAlive([...left.values()]);
    if ((alive.length === 0 && running.length === 0) || systemClock.uptimeMs() > endsMs) return;
    for (const { pid } of alive) killIfThere(pid);
    await systemClock.sleep(POLL_MS);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
