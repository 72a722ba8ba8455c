import { spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { onTestFinished } from "vitest";
import { type BillLine, billMicros } from "../../../src/faults/model-bill.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { TYPES } from "../../../src/store/postgres/values.ts";
import { COMPILE_CACHE } from "../../support/afk.ts";
import { freshState } from "../../support/postgres/state.ts";
import { until } from "../../support/postgres/until.ts";
import { tempDir } from "../../support/temp.ts";
import type { Fault } from "./plant.ts";

const MEMBER = fileURLToPath(new URL("member.ts", import.meta.url));
const PLANT = fileURLToPath(new URL("plant.ts", import.meta.url));
/** USD per million tokens, as afk.yaml states it and as the provider bills it. */
const STATED = { "ollama/test-model": { input: 1, output: 2 } };
const PRICE = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };

/** A machine's process. */
export interface Member {
  pid: number;
  dir: string;
  events: string[];
  /** What it has logged, one line after the other. */
  lines: string[];
  /** Resolves once it has logged this event so often; rejects when it ends before. */
  logged(event: string, times?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<number | null>;
}

/** Machines with folders of their own, one database, and the model that they ask. */
export interface Fleet {
  model: ModelEndpoint;
  bill(lines?: readonly BillLine[]): number;
  query<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Starts the machine of this name, in the folder of before where it was started already. */
  start(name: string, faults?: readonly Fault[]): Member;
  /** Puts a copy of a machine's whole folder in the place of another's. */
  copy(from: string, to: string): void;
  /** Lets the job of a machine go on. */
  letGo(...names: string[]): void;
}

/** A fleet on a database of its own, with one job that is due at once, and `more` over its configuration. */
export async function fleet(
  more: { models?: object; jobs?: object[]; budget?: object } = {},
): Promise<Fleet> {
  const [target, model] = await Promise.all([freshState(), startModelEndpoint("ollama")]);
  onTestFinished(() => model.close());
  const root = tempDir();
  const client = new pg.Client({
    connectionString: target.url,
    options: `-c search_path=${target.schema}`,
    types: TYPES,
  });
  await client.connect();
  onTestFinished(() => client.end());
  const configuration = {
    agent: "test-agent",
    database: target,
    budget: { daily_cap_usd: 1, ...more.budget },
    models: {
      chain: ["ollama/test-model"],
      max_output_tokens: 100,
      timeout: "5m",
      providers: { ollama: { base_url: model.url } },
      prices: STATED,
      ...more.models,
    },
    jobs: more.jobs ?? [{ name: "think", kind: "think", every: "1d" }],
  };
  return {
    model,
    bill: (lines = model.bill) => billMicros(lines, PRICE),
    query: async (sql, values) => (await client.query(sql, values)).rows,
    start(name, faults = []) {
      const dir = join(root, name);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, "afk.yaml"), JSON.stringify(configuration));
      return startMember(dir, faults);
    },
    copy: (from, to) => cpSync(join(root, from), join(root, to), { recursive: true }),
    letGo(...names) {
      for (const name of names) {
        mkdirSync(join(root, name), { recursive: true });
        writeFileSync(join(root, name, "go"), "");
      }
    },
  };
}

function startMember(dir: string, faults: readonly Fault[]): Member {
  const args = faults.length === 0 ? [MEMBER, dir] : ["--import", PLANT, MEMBER, dir];
  const child = spawn(process.execPath, args, {
    cwd: dir,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: dir,
      TZ: "UTC",
      ...COMPILE_CACHE,
      ...(faults.length > 0 && { AFK_TEST_PLANT: JSON.stringify(faults) }),
    },
  });
  const lines: string[] = [];
  const events: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    events.push(String((JSON.parse(line) as { event: string }).event));
  });
  let code: number | null | undefined;
  const ended = new Promise<number | null>((resolve) =>
    child.once("close", (exit) => {
      code = exit;
      resolve(exit);
    }),
  );
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    pid: child.pid!,
    dir,
    events,
    lines,
    ended,
    kill: (signal) => void child.kill(signal),
    async logged(event, times = 1) {
      await until(`${event} of ${dir}`, () => {
        if (events.filter((each) => each === event).length >= times) return true;
        if (code !== undefined) throw new Error(`it ended (${code}) without ${event}:\n${lines.join("\n")}`);
        return false;
      });
    },
  };
}
