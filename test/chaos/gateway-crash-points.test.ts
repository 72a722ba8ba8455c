// @module-tag processes
// @module-tag slow
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { MINUTE_MS } from "../../src/lib/durations.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { recoverCalls } from "../../src/rails/recover.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { chainConfig, PRICES } from "../providers/chain-config.ts";
import { COMPILE_CACHE } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";
import { railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";
import type { GatewayOrders } from "./support/gateway-child.ts";
import { untilIdle } from "./support/gateway-in-flight.ts";
import { workInMemory } from "./support/in-memory.ts";

const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
const CHILD = fileURLToPath(new URL("./support/gateway-child.ts", import.meta.url));
const BILLED = { input: 1, output: 4, cacheRead: 1, cacheWrite: 1.25 };
/** Room for four calls at their worst case, which is less than the client asks for when nothing settles. */
const CAP_MICROS = 5_500;
const TIMEOUT_MS = 20_000;
/** Beyond its own time limit and the margin of its deadline no call is under way. */
const OVER_MS = TIMEOUT_MS + 2 * MINUTE_MS;

/** What a client asks for, one after the other: whole and streamed, of each of OpenAI's two protocols. */
const ASKS = [
  ["/v1/chat/completions", { messages: [{ role: "user", content: "one" }], max_tokens: 300 }],
  ["/v1/chat/completions", { messages: [{ role: "user", content: "two" }], max_tokens: 300, stream: true }],
  ["/v1/responses", { input: "three", max_output_tokens: 300, stream: true }],
] as const;

/** Processes at a time: what this machine has cores. */
const LANES = 2;

/** Where in the relay itself a kill comes, as the provider sees it; null for none. */
type Moment =
  | "as the request came up"
  | "behind the first bytes that came down"
  | "behind the last bytes"
  | null;

workInMemory();

it(
  "keeps the bill under the cap and the books above the bill, at whatever point of the relay the gateway is killed",
  async () => {
    const steps = await stepsOfPlain();
    // The reservation and the settlement of each request, beside what a gateway does as it begins.

    expect(steps.filter(isOfCall)).toHaveLength(2 * ASKS.length);
    const points = steps
      .flatMap((step, index) =>
        isOfCall(step) || isChaos() ? [`${index + 1}:before`, `${index + 1}:after`] : [],
      )
      .map((point) => ({
        point,
        moment: null as Moment,
        name: `${point} (${steps[Number.parseInt(point, 10) - 1]})`,
      }));
    const moments: Moment[] = [
      "as the request came up",
      "behind the first bytes that came down",
      "behind the last bytes",
    ];
    const within = moments.flatMap((moment) =>
      [...ASKS.keys()].map((at) => ({ point: "", moment, at, name: `${moment}, request ${at + 1}` })),
    );
    const queue = [...points, ...within].values();
    const lane = async () => {
      for (const trial of queue) await crash(trial);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    report("crash points of the relay", points.length + within.length, `${steps.length} durable steps`);
  },
  patience({ test: 300_000, chaos: 900_000 }),
);

function isOfCall(step: string): boolean {
  return step.split(/[ +]/).includes("ledger");
}

async function stepsOfPlain(): Promise<string[]> {
  const trial = await begin();
  await trial.start("");
  await askAll(trial.orders.port);
  await trial.end();
  expect(await checkEnd(trial)).toMatchObject({ open: 0, unknown: 0, settled: ASKS.length });
  return trial.steps();
}

async function crash({
  point,
  moment,
  at = 0,
  name,
}: {
  point: string;
  moment: Moment;
  at?: number;
  name: string;
}) {
  const trial = await begin();
  try {
    await trial.start(point);
    if (moment !== null) trial.killAt(moment, at);
    // Whoever starts it again does so as soon as it is gone.
    const restarted = trial.gone().then(() => trial.start(""));
    await askAll(trial.orders.port);
    const never = new Promise((_, reject) =>
      setTimeout(() => reject(new Error("nothing was killed")), 10_000),
    );
    await Promise.race([restarted, never]);
    await trial.end();
    const { unknown, requests } = await checkEnd(trial);
    // One kill leaves at most one call of which nobody knows the cost, and buys at most that one again.
    expect(unknown).toBeLessThanOrEqual(1);
    expect(requests).toBeLessThanOrEqual(ASKS.length + 1);
  } catch (error) {
    throw new Error(`killed at ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** A new state, and a gateway in a process of its own. */
async function begin() {
  const server = await startModelEndpoint("openai");
  onTestFinished(() => server.close());
  const dir = tempDir();
  const log = join(dir, "steps.log");
  const orders: GatewayOrders = {
    dir,
    port: await freePort(),
    budget: { day_micros: CAP_MICROS },
    gateway: {
      listen: null,
      tls: null,
      isBehindProxy: false,
      maxOutputTokens: 300,
      timeoutMs: TIMEOUT_MS,
      onDisconnect: "finish",
      replays: true,
      models: null,
      clients: [],
    },
    models: chainConfig(["openai/test"], { openai: server.url }, { prices: PRICES }),
  };
  let child: ChildProcess;
  let gone: Promise<unknown>;
  return {
    orders,
    server,
    /** Resolves when the process that was started last is gone. */
    gone: () => gone,
    steps: () => readFileSync(log, "utf8").trim().split("\n"),
    async start(point: string) {
      writeFileSync(log, "");
      child = fork(CHILD, [JSON.stringify(orders)], {
        execArgv: [`--import=${PRELOAD}`],
        env: { PATH: process.env.PATH ?? "", ...COMPILE_CACHE, CRASH_LOG: log, CRASH_AT: point },
      });
      const started = child;
      onTestFinished(() => void started.kill("SIGKILL"));
      gone = once(child, "exit");
      await Promise.race([once(child, "message"), gone]);
    },
    killAt: (moment: NonNullable<Moment>, at: number) => killAt(server, () => ({ child, gone }), moment, at),
    async end() {
      await untilIdle(child);
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Kills the gateway at a moment of request number `at`, once. */
function killAt(
  server: ModelEndpoint,
  running: () => { child: ChildProcess; gone: Promise<unknown> },
  moment: NonNullable<Moment>,
  at: number,
): void {
  let count = 0;
  const kill = async () => {
    const { child, gone } = running();
    child.kill("SIGKILL");
    // What is written now reaches nobody.
    await gone;
  };
  server.otherwise(async (): Promise<Behaviour> => {
    count += 1;
    if (count !== at + 1) return { type: "reply", text: "four words for you" };
    if (moment === "as the request came up") {
      await kill();
      return { type: "reply" };
    }
    const pieceAt = moment === "behind the first bytes that came down" ? 1 : 3;
    let done = false;
    const gate = async (piece: number) => {
      if (piece !== pieceAt || done) return;
      done = true;
      // So that what came before it has gone through.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await kill();
    };
    // A whole answer is one piece: it is killed behind it.
    setTimeout(() => void (at === 0 && !done && kill()), 300);
    return { type: "slow", text: "four words for you", gate };
  });
}

/** As real clients do: what was cut off or refused a connection is asked again, and marked as a retry; a refusal is final. */
async function askAll(port: number): Promise<void> {
  for (const [path, body] of ASKS) {
    // So that a settlement shares no commit with the next reservation: each is a step of its own.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let tries = 0; tries < 100; tries += 1) {
      try {
        const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            authorization: "Bearer client-laptop",
            ...(tries > 0 && { "x-stainless-retry-count": String(tries) }),
          },
          body: JSON.stringify({ model: "test", ...body }),
        });
        const text = await reply.text();
        if (reply.status === 200) expect(text.length).toBeGreaterThan(10);
        break;
      } catch {
        // It is being started again.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** The bill against the cap, the books against the bill, and nothing under way once its deadline has passed. */
async function checkEnd({ orders, server }: Awaited<ReturnType<typeof begin>>) {
  const bill = server.billMicros(BILLED);
  expect(bill).toBeGreaterThan(0);
  expect(bill).toBeLessThanOrEqual(CAP_MICROS);
  const store = await openStore(join(orders.dir, "afk.db"));
  try {
    const read = async () => await store.db.selectFrom("ledger").selectAll().execute();
    const charged = (rows: Awaited<ReturnType<typeof read>>) =>
      rows
        .filter(({ state }) => state !== "released")
        .reduce((sum, { cost_micros, estimate_micros }) => sum + (cost_micros ?? estimate_micros), 0);
    const before = await read();
    expect(charged(before)).toBeGreaterThanOrEqual(bill);
    expect(charged(before)).toBeLessThanOrEqual(CAP_MICROS);
    expect(await countersAgree(store.db)).toEqual([]);
    const clock = fakeClock(Date.now() + OVER_MS);
    await recoverCalls(railsOn(store, orders.dir, { clock, budget: orders.budget }), "tick");
    const after = await read();
    expect(after.filter(({ state }) => state === "sending" || state === "reserved")).toEqual([]);
    expect(charged(after)).toBe(charged(before));
    expect(await countersAgree(store.db)).toEqual([]);
    const count = (rows: typeof after, state: string) => rows.filter((row) => row.state === state).length;
    return {
      open: count(before, "sending"),
      unknown: count(after, "unknown"),
      settled: count(after, "settled"),
      requests: server.requests.length,
    };
  } finally {
    await store.close();
    await server.close();
  }
}
