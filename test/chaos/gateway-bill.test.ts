import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { chainConfig } from "../providers/chain-config.ts";
import { COMPILE_CACHE } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { freePort } from "../support/free-port.ts";
import { seededRandomness } from "../support/seeded.ts";
import { tempDir } from "../support/temp.ts";
import type { GatewayOrders } from "./support/gateway-child.ts";
import type { Ask, ClientOrders, Outcomes } from "./support/gateway-client.ts";
import { untilIdle } from "./support/gateway-in-flight.ts";
import { workInMemory } from "./support/in-memory.ts";

const CLIENTS = 8;
const ASKS = 12;
/** Micro-dollars a token. */
const PRICES = {
  "openai/test": { input: 1, output: 4 },
  "anthropic/test": { input: 2, output: 10 },
};
const BILLED = {
  openai: { input: 1, output: 4, cacheRead: 1, cacheWrite: 1.25 },
  anthropic: { input: 2, output: 10, cacheRead: 2, cacheWrite: 2.5 },
};
const TURNS = [
  [
    "/v1/chat/completions",
    (words: string) => ({ messages: [{ role: "user", content: words }], max_tokens: 300 }),
  ],
  ["/v1/responses", (words: string) => ({ input: words, max_output_tokens: 300 })],
  ["/v1/messages", (words: string) => ({ messages: [{ role: "user", content: words }], max_tokens: 300 })],
] as const;
/** One dollar cap for each owner, in micro-dollars; the keys of what asks. */
const OWNERS = ["client-laptop", "client-phone", "run-digest"];

workInMemory();

it(
  "keeps the providers' bill under the caps of client, run and day, with eight clients, cut streams, and a gateway that is killed",
  async () => {
    const rounds = cases({ test: 20, chaos: 1_000 });
    const { random } = seededRandomness(chaosSeed("the gateway's bill"));
    const servers = { openai: await server("openai"), anthropic: await server("anthropic") };
    const clients = Array.from({ length: CLIENTS }, () => started("gateway-client.ts", []));
    await Promise.all(clients.map(async (child) => await once(child, "message")));
    const met = { requests: 0, kills: 0, refused: 0, open: 0, exact: 0, fullest: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const isCalm = round % 4 === 0;
      const attack = await begin(servers, random, isCalm);
      const outcomes = await Promise.all(
        clients.map(async (child) => {
          child.send(ordersOf(attack.orders.port, random, isCalm));
          const [said] = await once(child, "message");
          return said as Outcomes;
        }),
      );
      await attack.end();
      const { bill, books, fullest, open } = await checkBooks(attack, servers);
      if (isCalm) {
        // Every call had its figures, and nothing was cut: the books are the bill.
        expect(books).toBe(bill);
        met.exact += 1;
      }
      met.requests += servers.openai.requests.length + servers.anthropic.requests.length;
      met.kills += attack.kills();
      met.refused += outcomes.some((each) => (each[402] ?? 0) + (each[429] ?? 0) > 0) ? 1 : 0;
      met.open += open > 0 ? 1 : 0;
      met.fullest = Math.max(met.fullest, fullest);
      await Promise.all(Object.values(servers).map(async (each) => await each.clear()));
    }
    for (const count of [met.kills, met.refused, met.open, met.exact]) expect(count).toBeGreaterThan(0);
    report(
      "the gateway's bill",
      rounds,
      `${met.requests} requests, refusals in ${met.refused} rounds, ${met.kills} kills, calls left open in ${met.open} rounds, ` +
        `books that are the bill in ${met.exact} rounds, the fullest cap at ${(100 * met.fullest).toFixed(1)} %`,
    );
  },
  patience({ test: 600_000, chaos: 6 * 3_600_000 }),
);

/** A provider whose record can be begun anew. */
async function server(name: "openai" | "anthropic") {
  const current: { endpoint: ModelEndpoint | null } = { endpoint: null };
  const begin = async () => {
    current.endpoint = await startModelEndpoint(name);
  };
  await begin();
  onTestFinished(() => current.endpoint?.close());
  const there = () => current.endpoint ?? expect.unreachable();
  return {
    get url() {
      return there().url;
    },
    get requests() {
      return there().requests;
    },
    get bill() {
      return there().bill;
    },
    otherwise: (reaction: Parameters<ModelEndpoint["otherwise"]>[0]) => there().otherwise(reaction),
    micros: () => there().billMicros(BILLED[name]),
    async clear() {
      await there().close();
      await begin();
    },
  };
}

type Servers = Record<"openai" | "anthropic", Awaited<ReturnType<typeof server>>>;

/** A new state with a gateway in a process of its own, which is killed at requests drawn by chance and started again. */
async function begin(servers: Servers, random: () => number, isCalm: boolean) {
  const whole = (least: number, most: number) => least + Math.floor(random() * (most - least));
  const urls = { openai: servers.openai.url, anthropic: servers.anthropic.url };
  const orders = {
    dir: tempDir(),
    port: await freePort(),
    budget: {
      day_micros: whole(60_000, 160_000),
      owners: {
        client: {
          laptop: { day_micros: whole(10_000, 60_000) },
          phone: { hour_micros: whole(10_000, 60_000) },
        },
        job: { digest: { job_micros: whole(10_000, 60_000) } },
      },
    },
    gateway: {
      listen: null,
      tls: null,
      isBehindProxy: false,
      maxOutputTokens: 300,
      timeoutMs: 20_000,
      onDisconnect: random() < 0.7 ? "finish" : "abort",
      replays: random() < 0.8,
      models: null,
      clients: [],
    },
    models: chainConfig(["openai/test"], urls, { prices: PRICES }),
  } satisfies GatewayOrders;
  let kills = 0;
  let count = 0;
  let child = started("gateway-child.ts", [JSON.stringify(orders)]);
  await ready(child);
  const doomed = new Set(
    isCalm ? [] : Array.from({ length: whole(0, 4) }, () => whole(1, (CLIENTS * ASKS) / 2)),
  );
  let restarted: Promise<unknown> = Promise.resolve();
  let isStarting = false;
  const react = (): Behaviour => {
    count += 1;
    // A request of one that is dead already may still be read.
    if (doomed.delete(count) && !isStarting) {
      kills += 1;
      isStarting = true;
      const dead = child;
      dead.kill("SIGKILL");
      restarted = once(dead, "exit").then(async () => {
        child = started("gateway-child.ts", [JSON.stringify(orders)]);
        await ready(child);
        isStarting = false;
      });
    }
    return isCalm ? { type: "reply", text: "word ".repeat(whole(1, 100)) } : behaviour(random, whole);
  };
  servers.openai.otherwise(react);
  servers.anthropic.otherwise(react);
  return {
    orders,
    kills: () => kills,
    async end() {
      await restarted;
      await untilIdle(child);
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function behaviour(random: () => number, whole: (least: number, most: number) => number): Behaviour {
  const text = "word ".repeat(whole(1, 100));
  const chance = random();
  if (chance < 0.06) return { type: "truncated", pieces: whole(0, 4), text };
  if (chance < 0.1) return { type: "cut", pieces: whole(0, 4), text };
  if (chance < 0.14) return { type: "missingUsage", text };
  if (chance < 0.18) return { type: "reset" };
  if (chance < 0.22) return { type: "error", status: 500 };
  if (chance < 0.26) return { type: "error", status: 429 };
  if (chance < 0.5) return { type: "slow", everyMs: 2, text };
  return { type: "reply", text };
}

function ordersOf(port: number, random: () => number, isCalm: boolean): ClientOrders {
  const asks = Array.from({ length: ASKS }, (): Ask => {
    const [path, bodyOf] = TURNS[Math.floor(random() * TURNS.length)] ?? TURNS[0];
    const words = `say ${Math.floor(random() * 40)} ${"x".repeat(Math.floor(random() * 2_000))}`;
    return {
      path,
      key: OWNERS[Math.floor(random() * OWNERS.length)] ?? "",
      body: { model: "test", ...bodyOf(words), stream: random() < 0.6 },
      headers: random() < 0.2 ? { "x-stainless-retry-count": "1" } : {},
      leavesAfterMs: !isCalm && random() < 0.2 ? 1 + Math.floor(random() * 60) : null,
    };
  });
  return { url: `http://127.0.0.1:${port}`, asks, atOnce: 3 };
}

/** The bill against every cap, and the books against the bill. */
async function checkBooks({ orders }: Awaited<ReturnType<typeof begin>>, servers: Servers) {
  const bill = servers.openai.micros() + servers.anthropic.micros();
  const { budget } = orders;
  expect(bill).toBeLessThanOrEqual(budget.day_micros);
  const store = await openStore(join(orders.dir, "afk.db"));
  try {
    const rows = await store.db.selectFrom("ledger").selectAll().execute();
    const charged = (of: (row: (typeof rows)[number]) => boolean) =>
      rows
        .filter((row) => row.state !== "released" && of(row))
        .reduce((sum, { cost_micros, estimate_micros }) => sum + (cost_micros ?? estimate_micros), 0);
    const books = charged(() => true);
    expect(books).toBeGreaterThanOrEqual(bill);
    expect(books).toBeLessThanOrEqual(budget.day_micros);
    expect(charged(({ client }) => client === "laptop")).toBeLessThanOrEqual(
      budget.owners.client.laptop.day_micros,
    );
    expect(charged(({ client }) => client === "phone")).toBeLessThanOrEqual(
      budget.owners.client.phone.hour_micros,
    );
    expect(charged(({ job }) => job === "digest:1")).toBeLessThanOrEqual(budget.owners.job.digest.job_micros);
    expect(rows.filter(({ cost_micros, estimate_micros }) => (cost_micros ?? 0) > estimate_micros)).toEqual(
      [],
    );
    expect(await countersAgree(store.db)).toEqual([]);
    const fullest = Math.max(
      books / budget.day_micros,
      charged(({ client }) => client === "laptop") / budget.owners.client.laptop.day_micros,
      charged(({ job }) => job === "digest:1") / budget.owners.job.digest.job_micros,
    );
    return {
      bill,
      books,
      fullest,
      open: rows.filter(({ state }) => state === "unknown" || state === "sending").length,
    };
  } finally {
    await store.close();
  }
}

function started(script: string, args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`support/${script}`, import.meta.url));
  const child = fork(path, args, { execArgv: [], env: { PATH: process.env.PATH ?? "", ...COMPILE_CACHE } });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Its first word. @throws when it ends without one. */
async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit").then(() => expect.unreachable("a gateway that ends at its start"));
  await Promise.race([once(child, "message"), ended]);
}
