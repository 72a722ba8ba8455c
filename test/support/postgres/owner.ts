import { type ExecFileOptions, execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

/** The user that a server runs as: PostgreSQL refuses root. Empty where the tests are no root, who then own it themselves. */
export type Owner = { uid: number; gid: number } | Record<string, never>;

/** As root: Debian's user `postgres`, or another without rights. */
export function serverOwner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const found = users.find(([user]) => user === name);
    if (found !== undefined) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  return { uid: 65_534, gid: 65_534 };
}

const runFile = promisify(execFile);

/** Runs a program to its end as the owner; what it wrote is in the error when it fails. */
export async function runAs(
  owner: Owner,
  command: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<void> {
  await runFile(command, args, { cwd: "/", ...options, ...owner });
}
