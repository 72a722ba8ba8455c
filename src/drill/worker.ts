import { spawn } from "node:child_process";
import { familyOf, type Known, stillAlive } from "../faults/processes.ts";
import { systemClock } from "../lib/clock.ts";

const CLOSE_MS = 10_000;
const POLL_MS = 10;

/** A real afk process on a scratch deployment. */
export interface Worker {
  pid: number;
  /** How it ended; null while it runs. One that could not be started has ended too, with neither. */
  exit: { code: number | null; signal: NodeJS.Signals | null } | null;
}

/** Runs Node with these arguments in a group of its own, so that a guard that kills its group takes nothing else along. */
export function startWorker(args: readonly string[], how: { cwd: string; env: NodeJS.ProcessEnv }): Worker {
  const child = spawn(process.execPath, args, { ...how, detached: true, stdio: "ignore" });
  const worker: Worker = { pid: child.pid ?? 0, exit: null };
  child.once("error", () => {
    worker.exit = { code: null, signal: null };
  });
  child.once("exit", (code, signal) => {
    worker.exit = { code, signal };
  });
  return worker;
}

/** `exit code 0`, or the signal. */
export function exitText({ exit }: Worker): string {
  return exit === null ? "it runs" : (exit.signal ?? `exit code ${exit.code}`);
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
