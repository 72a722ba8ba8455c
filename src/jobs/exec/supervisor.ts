import { type ChildProcess, spawn } from "node:child_process";
import { messageOf } from "../../lib/errors.ts";
import type { Plan, Report } from "./messages.ts";
import { sweep } from "./sweep.ts";

/*
 * A program of its own, between the worker and the command. It holds one end of a channel to the worker; when the
 * worker ends, by whatever means, the system closes the other end, and everything the command started is killed.
 * Standard input, output and error are the command's, and are not touched here.
 */

let plan: Plan | undefined;
let command: ChildProcess | undefined;
let isEnding = false;

process.once("message", (message) => start(message as Plan));
process.once("disconnect", end);
// Without a listener it would open Node's inspector, through which the command could run its code here.
process.on("SIGUSR1", () => undefined);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);

function start(received: Plan): void {
  plan = received;
  const [program = "", ...words] = plan.command;
  try {
    command = spawn(program, words, {
      cwd: plan.cwd,
      env: plan.env,
      stdio: "inherit",
      // A session and a group of its own, so that the group can be killed without this process.
      detached: true,
    });
  } catch (error) {
    // Some of the system's refusals are thrown, others come as an event.
    refused(error);
    return;
  }
  command.once("error", refused);
  command.once("spawn", () => report({ type: "started", pid: command?.pid ?? 0 }));
  command.once("exit", (code, signal) => {
    report({ type: "ended", code, signal });
    end();
  });
}

function refused(error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  report({ type: "unstarted", code, message: messageOf(error) });
  end();
}

/** Kills what is left and lets go of the channel, after which nothing keeps this process alive. */
function end(): void {
  if (isEnding) return;
  isEnding = true;
  // A failure ends this process, and the worker does what is left to do.
  void finish();
}

async function finish(): Promise<void> {
  if (plan !== undefined) {
    const roots = command?.pid === undefined ? [process.pid] : [process.pid, command.pid];
    report({ type: "swept", ...(await sweep(plan.marks, roots)) });
  }
  if (process.connected) process.disconnect();
}

/** A worker that has gone needs no report. */
function report(message: Report): void {
  if (process.connected) process.send?.(message, undefined, undefined, (error) => error && end());
}
