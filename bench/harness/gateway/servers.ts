import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Tools } from "../benchmark.ts";
import type { Load, LoadResult } from "./load.ts";

/** A server that is asked, in a process of its own. */
export interface Side {
  name: string;
  url: string;
  pid: number;
  headers: Record<string, string>;
}

const KEY = "afk-bench-key-0123456789abcdef";
/** The peer that is compared with, installed when it is needed: it brings 25 MB. */
const PEER = "@portkey-ai/gateway@1.15.2";
const PATH = "/v1/chat/completions";

/** Starts the provider that stands behind all of them. */
export async function startUpstream(tools: Tools): Promise<Side> {
  return { name: "direct", ...(await startServer(tools, ["upstream.ts"])), headers: {} };
}

/** Starts a relay that does nothing but relay. */
export async function startRelay(tools: Tools, upstream: Side): Promise<Side> {
  return { name: "relay", ...(await startServer(tools, ["relay.ts", upstream.url])), headers: {} };
}

/** Starts the gateway under caps that are never reached. `fill` gets the path of its database before it opens. */
export async function startGateway(
  tools: Tools,
  upstream: Side,
  fill?: (path: string) => Promise<unknown>,
): Promise<Side> {
  const folder = tools.folder();
  const [config, state] = [join(folder, "afk.yaml"), join(folder, "state")];
  writeFileSync(config, JSON.stringify(configOf(upstream)));
  await fill?.(join(state, "afk.db"));
  const started = await startServer(tools, ["gateway.ts", config, state]);
  return { name: "gateway", ...started, headers: { authorization: `Bearer ${KEY}` } };
}

function configOf(upstream: Side): object {
  const openai = { base_url: `${upstream.url}/v1`, api_key: "sk-bench" };
  return {
    agent: "bench",
    budget: { daily_cap_usd: 1_000, hourly_cap_usd: 500, monthly_cap_usd: 10_000 },
    models: {
      chain: ["openai/bench"],
      providers: { openai },
      prices: { "openai/bench": { input: 0.1, output: 0.2 } },
    },
    breaker: { calls_per_minute: 100_000, same_request_per_hour: 10_000 },
    gateway: { clients: [{ name: "bench", key: KEY, caps: { daily_usd: 900 } }] },
  };
}

/** Installs and starts the peer; null where the registry cannot be reached. */
export async function startPeer(tools: Tools, upstream: Side): Promise<Side | null> {
  const folder = tools.folder();
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  try {
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", PEER];
    await promisify(execFile)("npm", words, { cwd: folder, timeout: 180_000 });
  } catch (error) {
    tools.say(`${PEER} cannot be installed: ${error instanceof Error ? error.message.split("\n")[0] : ""}`);
    return null;
  }
  const port = await freePort();
  const script = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = run(tools, [script, `--port=${port}`, "--headless"], { NODE_ENV: "production" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(url).then(Boolean, () => false)) break;
    await wait(100);
  }
  const headers = {
    authorization: "Bearer sk-bench",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `${upstream.url}/v1`,
  };
  return { name: "portkey", url, pid: child.pid ?? 0, headers };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function startServer(tools: Tools, [script = "", ...words]: string[]) {
  const child = run(tools, [fileOf(script), ...words]);
  return { url: await firstLine(child), pid: child.pid ?? 0 };
}

/** Asks a server in a process of its own. @throws Error when a request failed. */
export async function ask(tools: Tools, side: Side, load: Partial<Load>): Promise<LoadResult> {
  const child = run(tools, [fileOf("client.ts"), JSON.stringify(loadOf(side, load))]);
  const result = JSON.parse(await firstLine(child)) as LoadResult;
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  if (result.failed > 0) throw new Error(`${result.failed} requests to ${side.name} failed`);
  return result;
}

/** Opens streams that stay open until the returned function is called. */
export async function holdStreams(tools: Tools, side: Side, clients: number): Promise<() => Promise<void>> {
  const load = loadOf(side, { clients, chunks: 1, isHeld: true });
  const child = run(tools, [fileOf("client.ts"), JSON.stringify(load)]);
  await firstLine(child);
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

function loadOf(side: Side, load: Partial<Load>): Load {
  const usual = { clients: 1, bodyBytes: 2_000, chunks: null, isHeld: false };
  const length = { warmUpSeconds: 1, seconds: 2, requestsMax: null };
  return { url: side.url + PATH, headers: side.headers, ...usual, ...length, ...load };
}

function run(tools: Tools, words: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, words, {
    env: { PATH: process.env.PATH ?? "", TZ: "UTC", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  tools.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  });
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("a process without its output");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`${child.spawnargs.slice(1, 3).join(" ")} ended before it said anything`);
}
