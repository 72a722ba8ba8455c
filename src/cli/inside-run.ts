import { processEnvironment } from "../config/environment.ts";
import { EXEC_VARIABLE } from "../jobs/containment/process-tags.ts";
import { AfkError } from "../lib/errors.ts";
import { environmentOf, findProcess } from "../lib/processes.ts";

const ANCESTORS_MAX = 64;

/**
 * Whether this process was started by a program that a job runs: by its own environment, or by that of a process above it, which
 * a program that clears its own cannot change.
 */
function isInsideRun(): boolean {
  if (processEnvironment()[EXEC_VARIABLE] !== undefined) return true;
  let pid = process.ppid;
  for (let n = 0; n < ANCESTORS_MAX && pid > 0; n++) {
    if (environmentOf(pid).some((entry) => entry.startsWith(`${EXEC_VARIABLE}=`))) return true;
    pid = findProcess(pid)?.parent ?? 0;
  }
  return false;
}

/** @throws AfkError (`inside_run`) where a program that a job runs calls what a person alone decides. */
export function refuseInsideRun(called: string): void {
  if (!isInsideRun()) return;
  const message = `"${called}" is for a person alone, and this was called by a program that a job runs; nothing was done. Call it yourself, outside of the job`;
  throw new AfkError("inside_run", message, { retry: "never" });
}

/** Adds to what a program of a job is told where it finds no agent, since that may be there and hidden. */
export function withHint(error: AfkError): string {
  const isMissing = error.code === "no_agent" || error.code === "config_refused";
  if (!isMissing || !isInsideRun()) return error.message;
  return `${error.message}\nThis was called by a program that a job runs, which does not see the agent's state and settings; its job can say state: visible.`;
}
