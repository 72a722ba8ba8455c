import { readdirSync, readFileSync } from "node:fs";

/** What Linux tells of a running process; null elsewhere. */
export interface ProcessFigures {
  residentMegabytes: number;
  /** How often its threads went to sleep and were woken. */
  wakes: number;
  /** Of all its threads. */
  cpuMs: number;
}

/** A hundredth of a second, on every Linux that Node runs on. */
const CLOCK_TICK_MS = 10;

export function processFigures(pid: number): ProcessFigures | null {
  if (process.platform !== "linux") return null;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold spaces; utime and stime are fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const wakes = readdirSync(`/proc/${pid}/task`).map((thread) =>
    numberIn(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"), "voluntary_ctxt_switches"),
  );
  return {
    residentMegabytes: (numberIn(status, "VmRSS") * 1_024) / 1_000_000,
    wakes: wakes.reduce((sum, count) => sum + count, 0),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS,
  };
}

function numberIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
}
