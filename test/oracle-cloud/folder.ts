import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder that these tests are about. */
export const folder = fileURLToPath(new URL("../../oracle-cloud/", import.meta.url));

export const read = (name: string): string => readFileSync(`${folder}${name}`, "utf8");

export const terraformFiles = readdirSync(folder).filter((name) => name.endsWith(".tf"));

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; a code other than 0 is an outcome, not an error. */
export function run(
  command: string,
  args: string[],
  options: { cwd?: string; input?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, CHECKPOINT_DISABLE: "1" };
    const child = execFile(command, args, { cwd: options.cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
    child.stdin?.end(options.input);
  });
}

/** Whether a command is on this machine. */
export function isInstalled(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

export const needsTerraform = "terraform is not installed on this machine";

/** The patterns of what no user data may hold, as Terraform and ./render read them. */
export const secretPatterns = read("secret-patterns.txt")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => new RegExp(line, "i"));

/** What cloud-init gets when every default stands. */
export async function render(...args: string[]): Promise<Outcome> {
  return run(`${folder}render`, args);
}
