import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import type { Behaviour } from "../../../src/faults/model-answers.ts";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import type { WedgeLimits } from "../../../src/runner/wedge/steps.ts";
import { COMPILE_CACHE } from "../../support/afk.ts";

const WORKER = fileURLToPath(new URL("../../support/misbehave.ts", import.meta.url));
const SERVER = fileURLToPath(new URL("../../support/serve-model.ts", import.meta.url));

export interface Started {
  pid: number;
  /** Resolves when standard output holds the text; rejects when the process ends without it. */
  said(text: string): Promise<void>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; at: number; stdout: string }>;
  kill(signal: NodeJS.Signals): void;
}

/** A deployment with one job that misbehaves, and a model server in a process of its own. */
export interface Patient {
  state: string;
  start(mode: "run" | "ticks" | "stop", limits?: WedgeLimits): Started;
  /** What arrived at the model server: when (epoch milliseconds), and how many bytes; a connection is 0. */
  traffic(): { at: number; bytes: number }[];
  query<Row = Record<string, unknown>>(sql: string): Row[];
  events(): string[];
  /** Process ids of what the job started. */
  children(): number[];
}

/**
 * Tests that run side by side each have their own `onFinished`, which is why this takes it and the helpers of other
 * tests do not.
 */
export async function patient(
  how: string,
  onFinished: (clean: () => Promise<void> | void) => void,
  behaviours: { script: Behaviour[]; otherwise: Behaviour } = { script: [], otherwise: { type: "reply" } },
  more: { database?: DatabaseTarget } = {},
): Promise<Patient> {
  const dir = mkdtempSync(join(tmpdir(), "afk-test-"));
  onFinished(() => rmSync(dir, { recursive: true, force: true }));
  const traffic = join(dir, "traffic.jsonl");
  const { script, otherwise } = behaviours;
  const server = launch(
    [SERVER, join(dir, "requests"), JSON.stringify(script), JSON.stringify(otherwise), traffic],
    onFinished,
  );
  const [url] = await once(createInterface(server.stdout!), "line");
  writeFileSync(join(dir, "afk.yaml"), JSON.stringify({ ...configOf(url, how), ...more }));
  const state = join(dir, "state");
  return {
    state,
    start: (mode, limits) =>
      follow(launch([WORKER, mode, dir, ...(limits ? [JSON.stringify(limits)] : [])], onFinished)),
    traffic: () => jsonLines(traffic),
    query(sql) {
      const database = new Database(join(state, "afk.db"), { readonly: true });
      try {
        return database.prepare(sql).all() as never[];
      } finally {
        database.close();
      }
    },
    events: () => {
      const day = new Date().toISOString().slice(0, 10);
      return jsonLines<{ event: string }>(join(state, "logs", `afk-${day}.jsonl`)).map(({ event }) => event);
    },
    children: () => readFileSync(join(dir, "children"), "utf8").trim().split(/\s+/).map(Number),
  };
}

/** False for one that is gone, and for one that is dead and only waits for somebody to take note. */
export function isAlive(pid: number): boolean {
  if (existsSync("/proc/self/stat")) {
    if (!existsSync(`/proc/${pid}/stat`)) return false;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function configOf(url: string, how: string) {
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: {
      chain: ["ollama/test-model"],
      timeout: "5m",
      providers: { ollama: { base_url: url } },
    },
    breaker: { calls_per_minute: 10_000 },
    jobs: [{ name: "bad", kind: "misbehave", every: "1d", how }],
  };
}

/** Each leads a group of its own, as it does under a unit or a shell, so that what it starts can be ended with it. */
function launch(words: string[], onFinished: (clean: () => Promise<void>) => void): ChildProcess {
  const child = spawn(process.execPath, words, {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH ?? "", TZ: "UTC", ...COMPILE_CACHE },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  onFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}

function follow(child: ChildProcess): Started {
  let stdout = "";
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  const ended = new Promise<Awaited<Started["ended"]>>((resolve) => {
    let at = 0;
    child.once("exit", () => {
      at = Date.now();
    });
    child.once("close", (code, signal) => resolve({ code, signal, at, stdout }));
  });
  return {
    pid: child.pid!,
    ended,
    kill: (signal) => void child.kill(signal),
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stdout.includes(text)) resolve();
        };
        child.stdout!.on("data", look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying ${text}:\n${stdout}`)));
      }),
  };
}

function jsonLines<Line>(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
