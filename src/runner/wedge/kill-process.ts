import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";

const LOOK_UP_MS = 1_000;
const STILL_THERE_MS = 200;

/**
 * Ends this process at once, from any of its threads and whatever the others are doing; with its group if it leads one,
 * since its children are then in it. In a group of somebody else's (a shell script, npm) it goes alone.
 */
export function killThisProcess(): void {
  const { pid } = process;
  // To signal group -1 would be to signal everybody; the first process of a container takes the others with it anyway.
  if (pid !== 1 && isGroupLeader(pid)) process.kill(-pid, "SIGKILL");
  process.kill(pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STILL_THERE_MS);
  // The first process of a container that runs without an init: the kernel drops every signal that it sends to itself.
  // A crash is no signal, and process.abort() is not to be had in a worker; V8's own abort is.
  setFlagsFromString("--allow-natives-syntax");
  runInThisContext("%AbortJS('the process was wedged, and SIGKILL did not end it')");
}

function isGroupLeader(pid: number): boolean {
  try {
    // proc_pid_stat(5): pid (name) state ppid pgrp …; the name may hold anything, brackets too.
    const stat = readFileSync("/proc/self/stat", "utf8");
    const group = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
    return Number(group) === Number.parseInt(stat, 10);
  } catch {
    return isGroupLeaderByPs(pid);
  }
}

/** Where there is no /proc. Without an answer it is taken for a follower: then too little is killed, and never too much. */
function isGroupLeaderByPs(pid: number): boolean {
  try {
    const group = execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { timeout: LOOK_UP_MS });
    return Number(group.toString()) === pid;
  } catch {
    return false;
  }
}
