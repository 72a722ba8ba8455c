import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../../../src/config/load.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../../../src/faults/model-endpoint.ts";
import type { ProtocolName } from "../../../../src/faults/model-protocols.ts";
import { openGateway } from "../../../../src/gateway/gateway.ts";
import { systemClock } from "../../../../src/lib/clock.ts";
import type { Rails } from "../../../../src/rails/rails.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { testRails } from "../../../support/rails.ts";

/** The model that is asked at each provider, and its price, as afk.yaml states it and as the provider bills it. */
export const MODELS = {
  openai: { name: "gpt-5-mini", alias: "mini", price: { input: 1, output: 4 } },
  anthropic: { name: "claude-haiku-4-5", alias: "small", price: { input: 1, output: 5 } },
  ollama: { name: "qwen2.5:3b", alias: "local", price: { input: 1, output: 2 } },
} as const;

const PROVIDERS = ["openai", "anthropic", "ollama"] as const;

/** Sent where a client sends no limit, and the limit of those that send one. */
export const OUTPUT_TOKENS_MAX = 300;

/** The real gateway between a client and scripted providers, and what both of them saw. */
export interface TestGateway {
  url: string;
  providers: Record<ProtocolName, ModelEndpoint>;
  /** A key of the client `name`. Each has a cap of its own where `caps` states one, in USD a day. */
  keyOf(name: string): string;
  /** Requests that named a key, known or not. */
  asked: { key: string; at: number }[];
  setStop(): void;
  rails: Rails;
  /** What all providers have billed, in micro-dollars. */
  billMicros(): number;
  /** What the ledger charges; what has an unknown end at its worst case. */
  booksMicros(): Promise<number>;
}

/** Opens one that goes away with the test. `caps`: USD a day, by the client's name. */
export async function testGateway(
  options: { caps?: Record<string, number>; outputTokensMax?: number } = {},
): Promise<TestGateway> {
  const { caps = {}, outputTokensMax = OUTPUT_TOKENS_MAX } = options;
  const [openai, anthropic, ollama] = await Promise.all(
    PROVIDERS.map((name) => startModelEndpoint(name, { models: [MODELS[name].name] })),
  );
  if (!openai || !anthropic || !ollama) throw new Error("a provider did not start");
  const providers = { openai, anthropic, ollama };
  for (const provider of Object.values(providers)) onTestFinished(() => provider.close());

  const made = await testRails({ clock: { ...fakeClock(), ...systemClock } });
  const configFile = join(made.dir, "afk.yaml");
  writeFileSync(configFile, JSON.stringify(configOf(providers, caps, outputTokensMax)));
  const environment = { PROVIDER_KEY: "sk-scripted-provider" };
  const config = loadConfig({ environment, configFile, jobKinds: [], cwd: made.dir });
  const { breaker, budget } = config;
  const rails: Rails = { ...made, breaker, budget: { budget, timezone: config.timezone } };

  const asked: TestGateway["asked"] = [];
  const gateway = await openGateway({
    rails,
    config: () => config,
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    async findCaller(key) {
      asked.push({ key, at: performance.now() });
      const client = config.gateway.clients.find((each) => each.key === key);
      if (client === undefined) return null;
      return {
        title: `client ${client.name}`,
        scope: { tick: null, job: null, client: client.name },
        models: client.models,
        allow: new Set(client.allow),
        runner: null,
        recorded: null,
        log: rails.log,
        signal: null,
      };
    },
  });
  onTestFinished(() => gateway.close());
  return {
    url: gateway.url,
    providers,
    keyOf,
    asked,
    rails,
    setStop() {
      writeFileSync(rails.stopFile, "");
      onTestFinished(() => rmSync(rails.stopFile, { force: true }));
    },
    billMicros: () => PROVIDERS.reduce((sum, name) => sum + billOf(name, providers[name]), 0),
    async booksMicros() {
      // A call that was answered is settled some milliseconds later.
      for (let looks = 0; looks < 50 && rails.watch.inFlight() > 0; looks++)
        await new Promise((resolve) => setTimeout(resolve, 1));
      const entries = await rails.store.db.selectFrom("ledger").selectAll().execute();
      return entries
        .filter(({ state }) => state !== "released")
        .reduce((sum, entry) => sum + (entry.cost_micros ?? entry.estimate_micros), 0);
    },
  };
}

function keyOf(name: string): string {
  return `afk-key-of-${name}`.padEnd(24, "-");
}

function billOf(name: ProtocolName, provider: ModelEndpoint): number {
  const { price } = MODELS[name];
  return provider.billMicros({ ...price, cacheRead: price.input, cacheWrite: price.input });
}

function configOf(
  providers: TestGateway["providers"],
  caps: Record<string, number>,
  outputTokensMax: number,
) {
  const ofProvider = (name: ProtocolName) => {
    const base = name === "openai" ? `${providers[name].url}/v1` : providers[name].url;
    return [name, { base_url: base, ...(name === "ollama" ? {} : { api_key: `\${PROVIDER_KEY}` }) }];
  };
  const ofPrice = (name: ProtocolName) => [`${name}/${MODELS[name].name}`, MODELS[name].price];
  const clients = ["tester", "breaker-tester", ...Object.keys(caps)];
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 5 },
    breaker: { failures: 3, cooldown: "5m" },
    models: {
      chain: ["extractive"],
      providers: Object.fromEntries(PROVIDERS.map(ofProvider)),
      prices: Object.fromEntries(PROVIDERS.map(ofPrice)),
    },
    gateway: {
      max_output_tokens: outputTokensMax,
      // As docs/gateway.md has them.
      models: Object.fromEntries(
        PROVIDERS.map((name) => [MODELS[name].alias, `${name}/${MODELS[name].name}`]),
      ),
      clients: clients.map((name) => ({
        name,
        key: keyOf(name),
        ...(caps[name] === undefined ? {} : { caps: { daily_usd: caps[name] } }),
      })),
    },
  };
}
