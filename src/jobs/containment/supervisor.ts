import { type ChildProcess, spawn } from "node:child_process";
import { listenLocally } from "../../http/local-port.ts";
import { assert, messageOf } from "../../lib/errors.ts";
import { type ContainmentKind, ownNamespace } from "./containment.ts";
import type { ProcessTags } from "./process-tags.ts";
import { askAndKill, askToEnd, type Swept } from "./sweep.ts";

/*
 * A process of its own, between the worker and the program that a job runs. When the worker ends, by whatever means, the system
 * closes the channel between them, and everything the program started is killed. In a namespace the kernel does it.
 * Standard input, output and error are the program's.
 */

/** A program to run: its command line as the system takes it, without a shell. */
export interface Program {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/** What the worker asks of the supervisor, once. */
export interface Plan extends Program {
  tags: ProcessTags;
  kind: ContainmentKind;
  /** The PID namespace that afk itself is in, where the program is to be in another. */
  outside: string | null;
}

/** How the program ended. */
export type End =
  | { type: "exited"; code: number | null; signal: NodeJS.Signals | null }
  /** The system did not start it; `code` is the system's, such as ENOENT. */
  | { type: "unstarted"; code: string; message: string };

/** What the supervisor reports of the program. A clean exit of the supervisor says that nothing is left. */
export type Report =
  | End
  /** It listens; nothing runs before it has the plan. */
  | { type: "ready" }
  /** Comes before that, with a server that listens at a port of the program's own network. */
  | { type: "listening"; port: number }
  /** As the supervisor counts: in a namespace the pid is another outside. */
  | { type: "started"; pid: number }
  | { type: "swept"; swept: Swept };

const worker = process.ppid;
let plan: Plan | undefined;
let child: ChildProcess | undefined;
let isEnding = false;

process.once("message", (message) => start(message as Plan));
process.once("disconnect", end);
// Without a listener it would open Node's inspector, through which the program could run its code here.
process.on("SIGUSR1", () => undefined);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
void open(process.argv.slice(2).map(Number)).then(() => report({ type: "ready" }), refused);

/**
 * Listens at ports of the program's own network and hands the servers to the worker, which lives in the machine's: a socket
 * stays in the network that it was made in, so that nothing has to pass bytes on.
 */
async function open(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = await listenLocally(port);
    const message: Report = { type: "listening", port };
    await new Promise<void>((resolve, reject) => {
      process.send?.(message, server, undefined, (error) => (error ? reject(error) : resolve()));
    });
    server.close();
  }
}

function start(received: Plan): void {
  if (isEnding) return;
  const { command, cwd, env, outside } = received;
  const [file = "", ...args] = command;
  // The search in a namespace starts at pid 1, which outside of one is the machine's.
  assert(outside === null || ownNamespace() !== outside, "there is no namespace of its own");
  plan = received;
  try {
    // A session and a group of its own, so that the group can be killed without this process.
    child = spawn(file, args, { cwd, env, stdio: "inherit", detached: true });
  } catch (error) {
    // Some of the system's refusals are thrown, others come as an event.
    refused(error);
    return;
  }
  child.once("error", refused);
  child.once("spawn", () => report({ type: "started", pid: child?.pid ?? 0 }));
  child.once("exit", (code, signal) => {
    report({ type: "exited", code, signal });
    end();
  });
}

function refused(error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  report({ type: "unstarted", code, message: messageOf(error) });
  end();
}

/** Kills what is left, and closes the channel, so that this process ends. Where it fails, the worker does its work. */
async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  if (plan !== undefined) report({ type: "swept", swept: await endRest(plan) });
  child?.unref();
  if (process.connected) process.disconnect();
}

/** In a namespace the end of this process is the end of all others, once they have had time to tidy up. */
async function endRest({ kind, tags }: Plan): Promise<Swept> {
  if (kind === "namespace") return await askToEnd({ tags, roots: [1, process.pid], spared: [1] });
  const roots = [process.pid, ...(child?.pid === undefined ? [] : [child.pid])];
  return await askAndKill({ tags, roots, tenant: kind === "container" ? worker : undefined });
}

/** A worker that has gone needs no report. */
function report(message: Report): void {
  if (process.connected) process.send?.(message, undefined, undefined, (error) => error && end());
}
