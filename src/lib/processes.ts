import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** A process of this machine that is alive. */
export interface Process {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** When it began, in whatever form the system tells; with the pid it names one process for good. */
  started: string;
  isStopped: boolean;
}

/** The processes that were there. */
interface Listing {
  processes: (Process & { hasTags: boolean })[];
  /** Processes that were listed and had ended when they were looked at; what they may have forked was not. */
  ended: number[];
}

const HAS_PROC = existsSync("/proc/self/stat");

/**
 * Every process but those in `skip`, the newest first, each asked `hasTags` at once: some live for a few milliseconds.
 * Where there is /proc, whatever is alive all the time is either in `processes` or, when one process hands
 * over to the next, leaves one in `ended`.
 */
export function listProcesses(skip: ReadonlySet<number>, hasTags: (pid: number) => boolean): Listing {
  const listing: Listing = { processes: [], ended: [] };
  if (!HAS_PROC) {
    const others = parsePs(readPs()).filter(({ pid }) => !skip.has(pid));
    return { processes: others.map((each) => ({ ...each, hasTags: false })), ended: [] };
  }
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && !skip.has(pid));
  for (const pid of pids.sort((a, b) => b - a)) {
    const process = parseStat(readProc(pid, "stat"));
    const isFound = process !== null && hasTags(pid);
    // What a process that is ending says of its tags is nothing.
    if (process === null || (!isFound && parseStat(readProc(pid, "stat")) === null)) listing.ended.push(pid);
    else listing.processes.push({ ...process, hasTags: isFound });
  }
  return listing;
}

/** One process, if it is alive. */
export function findProcess(pid: number): Process | null {
  if (HAS_PROC) return parseStat(readProc(pid, "stat"));
  return parsePs(readPs()).find((each) => each.pid === pid) ?? null;
}

/** The environment that a process was started with, `NAME=value` each; nothing when it may not be read. */
export function environmentOf(pid: number): string[] {
  return readProc(pid, "environ").split("\0");
}

/** The most bytes that a file written by a process may have, or null for no limit. */
export function fileSizeLimitOf(pid: number): number | null {
  const limit = /^Max file size +(\d+)/m.exec(readProc(pid, "limits"));
  return limit === null ? null : Number(limit[1]);
}

/** Fields of /proc/<pid>/stat (proc_pid_stat(5)); the name in field 2 may hold spaces and parentheses. Null when dead. */
export function parseStat(stat: string): Process | null {
  const end = stat.lastIndexOf(")");
  if (end === -1) return null;
  const fields = stat.slice(end + 2).split(" ");
  const at = (field: number) => fields[field - 3] ?? "";
  const state = at(3);
  // The first thread of a process may end before the others: the state is that of a dead one then.
  if (/[ZX]/.test(state) && Number(at(20)) <= 1) return null;
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(at(4)),
    group: Number(at(5)),
    session: Number(at(6)),
    started: at(22),
    isStopped: /[Tt]/.test(state),
  };
}

/**
 * Lines of `ps -A -o pid=,ppid=,pgid=,stat=,lstart=`, for systems without /proc. Not all of them tell the session,
 * so the group stands in for it.
 */
export function parsePs(output: string): Process[] {
  return output.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+([A-Z]\S*)\s+(\S.*)$/.exec(line);
    if (match === null) return [];
    const [pid = 0, parent = 0, group = 0] = match.slice(1, 4).map(Number);
    const [state = "", started = ""] = match.slice(4);
    if (state.startsWith("Z")) return [];
    return [
      { pid, parent, group, session: group, started: started.trim(), isStopped: state.startsWith("T") },
    ];
  });
}

/** All processes as `ps` lists them, for systems without /proc. Throws when `ps` fails or takes 5 s. */
export function readPs(): string {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="], {
    encoding: "utf8",
    timeout: 5_000,
    maxBuffer: 16 * 1024 * 1024,
  });
}

/** Empty when the process has ended meanwhile, or is none of ours. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
