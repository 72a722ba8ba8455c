import { type SpawnOptions, spawn } from "node:child_process";

/** Programs run to their end, for the tests that drive an engine: `run` gives whatever came of it, `must` wants success. */
export interface CommandResult {
  /** Null when a signal ended it, a time-out for instance. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  input?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  /** The program is killed after this time. */
  timeoutMs?: number;
}

/** Rejects only when the program cannot be started. */
export function run(
  program: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { input, env, cwd, timeoutMs } = options;
  const settings: SpawnOptions = {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: "SIGKILL" }),
  };
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, settings);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    // A program that ends before it has read everything is judged by its exit code, not by the broken pipe.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}

/** Gives what it printed. Throws with the end of its errors when it did not succeed. */
export async function must(
  program: string,
  words: readonly string[],
  options?: CommandOptions,
): Promise<string> {
  const { code, stdout, stderr } = await run(program, words, options);
  if (code === 0) return stdout;
  const line = [program, ...words].join(" ").slice(0, 300);
  throw new Error(`\`${line}\` ended with ${code ?? "a signal"}: ${(stderr || stdout).trim().slice(-2_000)}`);
}

/** `docker` with these words, on the engine of the run. Throws when it fails. */
export function docker(words: readonly string[], options?: CommandOptions): Promise<string> {
  return must("docker", words, options);
}

/** Tells the person who waits for the tests what takes time, or what is done to the machine. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
