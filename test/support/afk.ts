import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { LogLine } from "../../src/logs/line.ts";
import { tempDir } from "./temp.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Halves what a start costs, and a test of processes is many starts. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") };

/** For tests that start processes: on a machine that is busy with other things a start takes seconds. */
export const PROCESSES = { timeout: 180_000 };

/** How a child process ended, with everything that it wrote. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  ended: Promise<Exit>;
  /** Resolves once standard output holds a log line of this event; rejects if the process ends without one. */
  logged(event: string): Promise<void>;
  /** Resolves with standard output so far once it matches; rejects if the process ends before. */
  printed(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/** A deployment in a folder of its own: afk.yaml, its sources, its state, and real `afk` processes on it. */
export interface Deployment {
  dir: string;
  state: string;
  configFile: string;
  /** Writes afk.yaml; JSON is YAML. A text is written as it is. */
  configure(config: Record<string, unknown> | string): void;
  /** Writes a file into the folder. */
  write(name: string, content: string | Uint8Array): void;
  /** Runs `afk` with these words to its end. */
  afk(words: string[], environment?: Record<string, string>, input?: string): Promise<Exit>;
  /** `input` is all of its standard input, which is empty unless stated. */
  start(words: string[], environment?: Record<string, string>, input?: string): Running;
  /** Every line of the log so far. */
  logs(): LogLine[];
  events(): string[];
  /** Reads the database without afk. */
  query<Row = Record<string, unknown>>(sql: string, ...parameters: unknown[]): Row[];
  /** Files in out/ by name, with their content. */
  outputs(): Record<string, string>;
}

export function deployment(config?: Record<string, unknown> | string): Deployment {
  return deploymentAt(tempDir(), config);
}

/** The same in a folder that is there already. */
export function deploymentAt(dir: string, config?: Record<string, unknown> | string): Deployment {
  const state = join(dir, "state");
  const write = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  };
  const configure = (content: Record<string, unknown> | string) =>
    write("afk.yaml", typeof content === "string" ? content : JSON.stringify(content, null, 2));
  if (config !== undefined) configure(config);
  const start: Deployment["start"] = (words, environment = {}, input = "") =>
    startAfk(dir, words, environment, input);
  const logs = () =>
    filesOf(join(state, "logs")).flatMap(([, text]) =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as LogLine),
    );
  return {
    dir,
    state,
    configFile: join(dir, "afk.yaml"),
    configure,
    write,
    start,
    logs,
    afk: (words, environment, input) => start(words, environment, input).ended,
    events: () => logs().map((line) => line.event),
    query(sql, ...parameters) {
      const database = new Database(join(state, "afk.db"), { readonly: true });
      try {
        return database.prepare(sql).all(...parameters) as never[];
      } finally {
        database.close();
      }
    },
    outputs: () => Object.fromEntries(filesOf(join(state, "out"))),
  };
}

/** A digest of `./inbox`, due at once, asked of one Ollama model at `url`; `changes` go over it, section by section. */
export function digestConfig(
  url: string,
  changes: {
    budget?: object;
    models?: object;
    breaker?: object;
    job?: object;
    rest?: Record<string, unknown>;
  } = {},
): Record<string, unknown> {
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 1, ...changes.budget },
    models: {
      chain: ["ollama/test-model"],
      max_output_tokens: 100,
      timeout: "30s",
      providers: { ollama: { base_url: url } },
      ...changes.models,
    },
    breaker: { failures: 5, cooldown: "5m", ...changes.breaker },
    jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }], ...changes.job }],
    ...changes.rest,
  };
}

/** Puts `count` items into `./inbox`, one file each; the model is asked for each of them and for the opening. */
export function fillInbox(target: Deployment, count: number, prefix = "item"): void {
  for (let n = 1; n <= count; n++) {
    const name = `${prefix}-${String(n).padStart(2, "0")}`;
    target.write(
      `inbox/${name}.md`,
      `# Title of ${name}\n\nThe harbour of ${name} is open. Ships may enter.\n`,
    );
  }
}

/** An Ollama server that ends with the test. */
export async function ollama(script: Behaviour[] = [], otherwise?: Behaviour): Promise<ModelEndpoint> {
  const server = await startModelEndpoint("ollama");
  onTestFinished(() => server.close());
  server.script(script);
  if (otherwise !== undefined) server.otherwise(otherwise);
  return server;
}

/** What each request of the server asked about: the title in its prompt, or `lead`. */
export function asked(server: Pick<ModelEndpoint, "requests">): string[] {
  return server.requests.map(({ body }) => /Title of ([a-z]+-\d+)/.exec(body)?.[1] ?? "lead");
}

/** The environment is as good as empty, so that nothing of this machine changes what a test sees. */
function startAfk(cwd: string, words: string[], environment: Record<string, string>, input = ""): Running {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: cwd,
      TZ: "UTC",
      ...COMPILE_CACHE,
      ...environment,
    },
  });
  // Whoever does not read it is gone before it is written.
  child.stdin.on("error", () => {}).end(input);
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      written[stream] += chunk;
    });
  }
  const ended = endOf(child, written);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const printed = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (pattern.test(written.stdout)) resolve(written.stdout);
      };
      child.stdout.on("data", look);
      look();
      void ended.then(() =>
        reject(new Error(`it ended without ${pattern}:\n${written.stdout}${written.stderr}`)),
      );
    });
  return {
    pid: child.pid!,
    ended,
    kill: (signal) => void child.kill(signal),
    logged: async (event) => void (await printed(new RegExp(`"event":"${event}"`))),
    printed,
  };
}

function endOf(child: ChildProcess, written: { stdout: string; stderr: string }): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...written }));
  });
}

function filesOf(dir: string): [name: string, content: string][] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .sort()
    .map((name) => [name, readFileSync(join(dir, name), "utf8")]);
}
