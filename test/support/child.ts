import { type ChildProcess, fork } from "node:child_process";
import { onTestFinished } from "vitest";

/**
 * A process of its own, with everything loaded and waiting. `go` lets it do its work and resolves with what came of it;
 * it then stays alive until `kill` (SIGKILL) or the end of the test.
 */
export interface Child {
  go(): Promise<unknown>;
  kill(): Promise<void>;
}

/** Starts a script that calls `onGo` (child-work.ts). */
export async function startChild(script: string, args: readonly string[]): Promise<Child> {
  const child = fork(script, args, { execPath: process.execPath, execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  await nextMessage(child);
  return {
    kill,
    go() {
      const result = nextMessage(child);
      child.send("go");
      return result;
    },
  };
}

/** Starts one process for each list of arguments and lets them all go at the same moment. */
export async function race(script: string, args: readonly (readonly string[])[]): Promise<unknown[]> {
  const children = await Promise.all(args.map((each) => startChild(script, each)));
  return await Promise.all(children.map((child) => child.go()));
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`the child ended (${code ?? signal})`)));
  });
}
