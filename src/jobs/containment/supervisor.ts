import { type ChildProcess, spawn } from "node:child_process";
import { assert, assertNever, messageOf } from "../../lib/errors.ts";
import { isOrphan, ownNamespace } from "./container.ts";
import type { Plan, Report } from "./messages.ts";
import { askAndKill, askToEnd, type Swept } from "./sweep.ts";

/*
 * A program of its own, between the worker and the program that a job runs. It holds one end of a channel to the worker; when
 * the worker ends, by whatever means, the system closes the other end, and everything the program started is killed. Where
 * it is in a namespace, the kernel kills it together with all that is in there.
 * Standard input, output and error are the program's, and are not touched here.
 */

const worker = process.ppid;
let plan: Plan | undefined;
let child: ChildProcess | undefined;
let isEnding = false;

process.once("message", (message) => start(message as Plan));
process.once("disconnect", end);
// Without a listener it would open Node's inspector, through which the program could run its code here.
process.on("SIGUSR1", () => undefined);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
report({ type: "ready" });

function start(received: Plan): void {
  if (isEnding) return;
  // What has the first process of its namespace for a root would otherwise be the whole machine.
  assert(
    received.outside === null || ownNamespace() !== received.outside,
    "there is no namespace of its own",
  );
  plan = received;
  const { command, cwd, env } = plan.program;
  const [program = "", ...words] = command;
  try {
    child = spawn(program, words, {
      cwd,
      env,
      stdio: "inherit",
      // A session and a group of its own, so that the group can be killed without this process.
      detached: true,
    });
  } catch (error) {
    // Some of the system's refusals are thrown, others come as an event.
    refused(error);
    return;
  }
  child.once("error", refused);
  child.once("spawn", () => report({ type: "started", pid: child?.pid ?? 0 }));
  child.once("exit", (code, signal) => {
    report({ type: "ended", code, signal });
    end();
  });
}

function refused(error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  report({ type: "unstarted", code, message: messageOf(error) });
  end();
}

/** Kills what is left and lets go of the channel, and of a program that has not ended: nothing keeps this process alive then. */
function end(): void {
  if (isEnding) return;
  isEnding = true;
  // A failure ends this process, and the worker does what is left to do.
  void finish();
}

async function finish(): Promise<void> {
  if (plan !== undefined) report({ type: "swept", ...(await endRest(plan)) });
  child?.unref();
  if (process.connected) process.disconnect();
}

/** In a namespace the end of this process is the end of all others, once they have had time to tidy up. */
async function endRest({ kind, tags }: Plan): Promise<Swept> {
  const roots = [process.pid, ...(child?.pid === undefined ? [] : [child.pid])];
  switch (kind) {
    case "namespace":
      return await askToEnd({ tags, roots: [1, process.pid], spared: [1] });
    case "container":
      return await askAndKill({ tags, roots, isOurs: (each) => isOrphan(each, worker, tags) });
    case "marks":
      return await askAndKill({ tags, roots });
    default:
      return assertNever(kind);
  }
}

/** A worker that has gone needs no report. */
function report(message: Report): void {
  if (process.connected) process.send?.(message, undefined, undefined, (error) => error && end());
}
