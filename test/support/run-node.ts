import { spawn } from "node:child_process";

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script of ours under this Node, as a shell would, with nothing on its standard input. */
export function runNode(
  script: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
  cwd?: string,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd,
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...environment },
    });
    const ended = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      ended.stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      ended.stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...ended }));
  });
}
