import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { tempDir } from "../support/temp.ts";

export const SYSTEMD = fileURLToPath(new URL("../../systemd", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the installer, usually with `--root`. */
export function install(...words: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(join(SYSTEMD, "install"), words, { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

/** A folder with everything that the installer puts on a host. */
export function staged(): string {
  const root = tempDir();
  const { code, stderr } = install("--root", root, "--image", "afk:staged");
  if (code !== 0) throw new Error(stderr);
  return root;
}

/** Every file below `root` by its path, with its mode and its text; folders with their mode. */
export function tree(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => {
        const { mode } = statSync(path);
        const text = statSync(path).isFile() ? readFileSync(path, "utf8") : "";
        return [path.slice(root.length + 1), `${(mode & 0o7777).toString(8)} ${text}`];
      }),
  );
}

export interface FakeDocker {
  environment: NodeJS.ProcessEnv;
  /** The words of every call so far. */
  calls(): string[][];
}

/**
 * A program named docker on the PATH, which writes down its arguments, one to a line that ends in NUL, and then does what
 * `script` says with them.
 */
export function fakeDocker(script: string): FakeDocker {
  const folder = tempDir();
  const log = join(folder, "calls");
  mkdirSync(join(folder, "bin"));
  writeFileSync(log, "");
  const note = `for word in "$@"; do printf '%s\\0' "$word"; done >> '${log}'; printf '\\n\\0' >> '${log}'`;
  writeFileSync(join(folder, "bin", "docker"), `#!/bin/sh\n${note}\n${script}\n`, { mode: 0o755 });
  return {
    environment: { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` },
    calls: () =>
      readFileSync(log, "utf8")
        .split("\n\0")
        .slice(0, -1)
        .map((call) => call.split("\0").slice(0, -1)),
  };
}

/** Runs a program to its end; it and what it started end with the test. */
export function start(
  program: string,
  words: string[],
  environment: NodeJS.ProcessEnv,
): { pid: number; ended: Promise<Ended> } {
  const child = spawn(program, words, {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const pid = child.pid ?? 0;
  onTestFinished(() => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      // That the group is gone already is what is hoped for.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  });
  return {
    pid,
    ended: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, ...output }));
    }),
  };
}
