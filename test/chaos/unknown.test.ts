import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { createChain } from "../../src/providers/chain.ts";
import { readBreaker } from "../../src/rails/breaker.ts";
import { CapReached } from "../../src/rails/halt.ts";
import { recoverCalls } from "../../src/rails/recover.ts";
import { report } from "../support/chaos.ts";
import { startChild } from "../support/child.ts";
import { alerts, besides, counters, entries, testRails, thrown } from "../support/rails.ts";
import { ASK, pricedChain } from "./support/priced.ts";

const CHILD = fileURLToPath(new URL("support/call-child.ts", import.meta.url));
const START = {
  ollama: () => startModelEndpoint("ollama"),
  openai: () => startModelEndpoint("openai"),
  anthropic: () => startModelEndpoint("anthropic"),
};
type Provider = keyof typeof START;
const PROVIDERS = Object.keys(START) as Provider[];
/** Pieces of a whole reply of the scripted server: the words and a last line, or three pieces of a JSON document. */
const PIECES = { ollama: 7, openai: 3, anthropic: 3 };

/** What a breaker makes of one failure: counts it, opens, or takes no notice. */
type Effect = "counts" | "opens" | "nothing";

interface Case {
  name: string;
  behaviour?: Behaviour;
  /** Another address than the server's. */
  url?: string;
  timeoutMs?: number;
  /** Called once the request is at the server. */
  meanwhile?: (tools: { stop: () => void; kill: () => void }) => void;
  effect: Effect;
}

const error = (status: number, effect: Effect = "counts"): Case => ({
  name: `the provider's own ${status}`,
  behaviour: { type: "error", status },
  effect,
});
const html = (status: number, effect: Effect = "counts"): Case => ({
  name: `a page with ${status}`,
  behaviour: { type: "html", status },
  effect,
});
const lost = (name: string, behaviour: Behaviour): Case => ({ name, behaviour, effect: "counts" });

function unknownCases(provider: Provider): Case[] {
  const everyPiece = Array.from({ length: PIECES[provider] }, (_, pieces) => pieces);
  return [
    { ...lost("no answer in time", { type: "hang" }), timeoutMs: 1_000 },
    { ...lost("half an answer in time", { type: "stall", pieces: 2 }), timeoutMs: 1_000 },
    lost("a reset before the headers", { type: "reset" }),
    ...everyPiece.map((pieces) => lost(`a reset after piece ${pieces}`, { type: "truncated", pieces })),
    ...everyPiece.map((pieces) => lost(`an end after piece ${pieces}`, { type: "cut", pieces })),
    html(502),
    html(504),
    html(500),
    html(503),
    html(408),
    html(200),
    error(400, "nothing"),
    error(413, "nothing"),
    error(422, "nothing"),
    ...[402, 408, 409, 421, 500, 502, 503, 504, 529].map((status) => error(status)),
    {
      name: "the caller's abort",
      behaviour: { type: "hang" },
      meanwhile: ({ stop }) => stop(),
      effect: "nothing",
    },
    {
      name: "the kill switch",
      behaviour: { type: "hang" },
      meanwhile: ({ kill }) => kill(),
      effect: "nothing",
    },
    lost("a reply without usage", { type: "missingUsage" }),
    lost("a reply whose usage is nought", {
      type: "reply",
      usage: { inputTokens: 0, outputTokens: 0 },
    }),
    lost("a reply whose input is nought", { type: "reply", usage: { inputTokens: 0 } }),
    lost("a reply whose output is nought", { type: "reply", usage: { outputTokens: 0 } }),
    lost("a reply that is no JSON", { type: "malformed" }),
    lost("an empty body", { type: "raw", body: "" }),
    lost("an error under 200", { type: "errorUnder200" }),
    lost("a redirect", { type: "html", status: 307, headers: { location: "http://127.0.0.1:1/" } }),
  ];
}

const FREE_CASES: Case[] = [
  { name: "a refused connection", url: "http://127.0.0.1:1", effect: "counts" },
  // A label of 64 characters is refused before any name server is asked.
  { name: "a name that does not resolve", url: `http://${"x".repeat(64)}.test`, effect: "counts" },
  error(401, "opens"),
  error(403, "opens"),
  error(404),
  error(429, "opens"),
  html(429, "opens"),
  html(401, "opens"),
];

const tally = { unknown: 0, released: 0 };
afterAll(() =>
  report("unknown is spent", tally.unknown + tally.released, `${tally.unknown} of unknown outcome`),
);

describe.each(PROVIDERS)("a priced call to %s", (provider) => {
  it.each(unknownCases(provider))("that ends in $name stays charged at its worst case", async (attack) => {
    const made = await harness(provider, attack);
    await made.fail();
    const [entry] = await entries(made.rails);
    expect(entry).toMatchObject({ state: "unknown", cost_micros: null });
    await staysCharged(made, attack.effect);
    tally.unknown += 1;
  });

  it("whose process is killed in the middle of it stays charged at its worst case", {
    timeout: 60_000,
  }, async () => {
    const made = await harness(provider, { name: "SIGKILL", behaviour: { type: "hang" }, effect: "nothing" });
    const child = await startChild(CHILD, [made.rails.dir, provider, made.server.url]);
    void child.go().catch(() => undefined);
    await made.server.request(1);
    await child.kill();
    expect(await entries(made.rails)).toMatchObject([{ state: "sending" }]);
    expect(await recoverCalls(made.rails, "the next runner")).toEqual({ unknown: 1, released: 0 });
    await staysCharged(made, "nothing");
    tally.unknown += 1;
  });

  it.each(FREE_CASES)("that ends in $name costs nothing", async (attack) => {
    const made = await harness(provider, attack);
    await made.fail();
    expect(await entries(made.rails)).toMatchObject([{ state: "released", cost_micros: null }]);
    expect(Object.values(await counters(made.rails, "day"))).toEqual(["0/0"]);
    expect(await alerts(made.rails, "call_unknown")).toEqual([]);
    expect(await breakerEffect(made)).toBe(attack.effect);
    // The same cap has room for the next call.
    await made.capAt(1);
    expect(await made.next()).toMatchObject({ model: `${provider}/other` });
    expect(await countersAgree(made.rails.store.db)).toEqual([]);
    tally.released += 1;
  });
});

type Made = Awaited<ReturnType<typeof harness>>;

async function harness(provider: Provider, attack: Case) {
  const rails = await testRails();
  const server: ModelEndpoint = await START[provider]();
  onTestFinished(() => server.close());
  if (attack.behaviour !== undefined) server.script([attack.behaviour]);
  const reference = `${provider}/test`;
  const stop = new AbortController();
  const chain = createChain(rails, pricedChain(reference, attack.url ?? server.url, attack.timeoutMs));
  let room = Number.POSITIVE_INFINITY;
  return {
    rails,
    server,
    reference,
    /** Makes the call, which must fail. */
    async fail() {
      const call = thrown(
        chain.complete(ASK, { scope: { tick: null, job: null }, log: rails.log, signal: stop.signal }),
      );
      if (attack.meanwhile !== undefined) {
        await server.request(1);
        attack.meanwhile({
          stop: () => stop.abort(new Error("enough")),
          kill: () => writeFileSync(rails.stopFile, ""),
        });
      }
      await call;
    },
    /** The daily cap from now on, in calls at their worst case. */
    async capAt(calls: number) {
      const [entry] = await entries(rails);
      // The other model's name is longer by a byte.
      room = Math.floor((entry?.estimate_micros ?? 0) * calls) + 40;
    },
    /** Asks another model, whose breaker knows nothing, as another process would: the money is the same. */
    async next() {
      rmSync(rails.stopFile, { force: true });
      const other = await besides(rails);
      const budget = { ...rails.budget.budget, caps: { day_micros: room } };
      const capped = { ...other, budget: { ...rails.budget, budget } };
      const again = createChain(capped, pricedChain(`${provider}/other`, server.url));
      return await again.complete(ASK, { scope: { tick: null, job: null }, log: rails.log });
    },
  };
}

async function staysCharged(made: Made, effect: Effect): Promise<void> {
  const [entry] = await entries(made.rails);
  const estimate = entry?.estimate_micros ?? 0;
  expect(estimate).toBeGreaterThan(1_000);
  for (const window of ["day", "month", "hour"]) {
    expect(Object.values(await counters(made.rails, window)), window).toEqual([`0/${estimate}`]);
  }
  expect(await alerts(made.rails, "call_unknown")).toMatchObject([{ severity: "warn" }]);
  expect(await breakerEffect(made)).toBe(effect);
  expect(await countersAgree(made.rails.store.db)).toEqual([]);
  const requests = made.server.requests.length;
  expect(requests).toBe(1);
  // A cap with room for one call and a half has none for the next.
  await made.capAt(1.5);
  expect(await thrown(made.next())).toBeInstanceOf(CapReached);
  expect(made.server.requests).toHaveLength(requests);
  // The control: with room for both the next call goes out.
  await made.capAt(2);
  expect(await made.next()).toMatchObject({ degraded: false });
}

async function breakerEffect(made: Made): Promise<Effect> {
  const breaker = await readBreaker(made.rails.store.db, `model:${made.reference}`);
  if (breaker.state === "open") return "opens";
  return breaker.state === "closed" && breaker.failures === 1 ? "counts" : "nothing";
}
