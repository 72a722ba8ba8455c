import { listProcesses, type Process } from "../lib/processes.ts";

/** One process for good: a pid alone is given to another after it. */
export type Known = Pick<Process, "pid" | "started">;

/** The process and everything that descends from it, as the system lists them now. */
export function familyOf(pid: number): Process[] {
  const all = listAll();
  const family = all.filter((each) => each.pid === pid);
  for (const member of family) family.push(...all.filter((each) => each.parent === member.pid));
  return family;
}

/** Which of the processes are still there. */
export function stillAlive(known: readonly Known[]): Known[] {
  const all = listAll();
  return known.filter(({ pid, started }) => all.some((each) => each.pid === pid && each.started === started));
}

function listAll(): Process[] {
  return listProcesses(new Set(), () => false).processes;
}
