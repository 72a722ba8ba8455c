import { familyOf, type Known, stillAlive } from "../faults/processes.ts";
import { systemClock } from "../lib/clock.ts";
import type { Worker } from "./worker.ts";

const CLOSE_MS = 10_000;
const POLL_MS = 10;

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
