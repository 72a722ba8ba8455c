import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { findProcess } from "../../lib/processes.ts";

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

/** Without an answer it is taken for a follower: then too little is killed, and never too much. */
function isGroupLeader(pid: number): boolean {
  try {
    return findProcess(pid)?.group === pid;
  } catch {
    return false;
  }
}
