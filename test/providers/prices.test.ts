import { expect, it } from "vitest";
import snapshot from "../../src/providers/prices.json" with { type: "json" };
import * as prices from "../../src/providers/prices.ts";
import type { StatedPrice } from "../../src/providers/types.ts";
import { chainConfig, providerAt } from "./chain-config.ts";

const { UnpricedModel } = prices;
const priceOf = (
  reference: string,
  stated: Record<string, StatedPrice> = {},
  ollama = "http://127.0.0.1:11434",
) => prices.priceOf(reference, chainConfig([], { ollama }, { prices: stated }));

it("knows a model by its exact name", () => {
  expect(priceOf("anthropic/claude-haiku-4-5")).toEqual({
    input: 1,
    output: 5,
    cacheRead: 0.1,
    cacheWrite: 1.25,
    cacheWrite1h: 2,
    regionalFactor: 1.1,
    tiers: { batch: 0.5 },
    tools: { web_search: 0.01, web_fetch: 0 },
    contextWindow: 200_000,
  });
});

it("knows what a model costs by the size of its input, in other tiers, with tools, and kept for half a day", () => {
  expect(priceOf("openai/gpt-6-astra")).toEqual({
    input: 10,
    output: 50,
    cacheRead: 1,
    cacheWrite: 12.5,
    cacheWrite12h: 25,
    steps: [{ above: 272_000, input: 20, output: 75, cacheRead: 2, cacheWrite: 25, cacheWrite12h: 50 }],
    tiers: { flex: 0.5, priority: 2, fast: 2, ultrafast: 6 },
    tools: { web_search: 0.01, web_search_preview: 0.01, file_search: 0.0025, code_interpreter: 0.03 },
    contextWindow: 1_050_000,
  });
  expect(priceOf("openai/gpt-4.1").tools).toMatchObject({ web_search: 0.01, web_search_preview: 0.025 });
  expect(priceOf("openai/gpt-5.5").tiers).toMatchObject({ flex: 0.5, priority: 2.5 });
  expect(priceOf("openai/text-embedding-3-small")).toMatchObject({ input: 0.02, output: 0 });
  expect(priceOf("anthropic/claude-opus-5").tiers).toEqual({ batch: 0.5, fast: 2 });
  expect(priceOf("anthropic/claude-haiku-5-5").steps).toEqual([
    { above: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625, cacheWrite1h: 1 },
  ]);
});

it("adds what OpenAI's addresses of one region cost more", () => {
  const at = (baseUrl: string) =>
    prices.priceOf("openai/gpt-5.5", { prices: {}, providers: { openai: providerAt("openai", baseUrl) } });
  expect(at("https://api.openai.com/v1")).toMatchObject({ input: 5, steps: [{ input: 10 }] });
  const regional = at("https://eu.api.openai.com/v1");
  expect(regional.input).toBeCloseTo(5.5);
  expect(regional.steps?.[0]?.output).toBeCloseTo(49.5);
  expect(at("https://api.openai.com.example.com/v1").input).toBe(5);
});

it("takes what is kept for an hour and the context window from the configuration", () => {
  const stated = { input: 1, output: 4, cacheWrite1h: 3, contextWindow: 8_000 };
  expect(priceOf("openai/mine", { "openai/mine": stated })).toMatchObject(stated);
  // What a model takes is no price: it stays known where only a price is stated.
  const cheaper = priceOf("openai/gpt-5.5", { "openai/gpt-5.5": { input: 1, output: 2 } });
  expect(cheaper).toEqual({
    input: 1,
    output: 2,
    cacheRead: 1,
    cacheWrite: 1.25,
    contextWindow: 1_050_000,
  });
});

it("knows a model by its dated name, where the source says that it is the same", () => {
  expect(priceOf("anthropic/claude-haiku-4-5-20251001")).toEqual(priceOf("anthropic/claude-haiku-4-5"));
  expect(priceOf("openai/gpt-5-nano-2025-08-07")).toEqual(priceOf("openai/gpt-5-nano"));
});

it("prefers a dated name of its own price to the undated one", () => {
  expect(priceOf("openai/gpt-4o-2024-05-13").input).toBe(5);
  expect(priceOf("openai/gpt-4o-2024-08-06").input).toBe(2.5);
});

it("takes the lowest step for its base, and no price of the past", () => {
  expect(priceOf("openai/gpt-5.4")).toMatchObject({
    input: 2.5,
    output: 15,
    steps: [{ above: 272_000, input: 5, output: 22.5 }],
  });
  expect(priceOf("openai/o3")).toMatchObject({ input: 2, output: 8 });
});

it("takes the input price where no cache price is stated", () => {
  expect(priceOf("openai/gpt-4-turbo")).toEqual({
    input: 10,
    output: 30,
    cacheRead: 10,
    cacheWrite: 10,
    contextWindow: 128_000,
  });
});

it.each([
  "openai/gpt-99",
  "openai/gpt-4o-2025-01-01",
  "openai/gpt-4o-mini-custom",
  "anthropic/claude-haiku-4-5-preview",
  "anthropic/claude-haiku-4-5-20251001-20251001",
  "anthropic/gpt-4o",
  "openai/Gpt-4o",
  "openai/constructor",
  "openai/__proto__",
  "openai/gpt-4o-search-preview",
  "openai/gpt-oss-120b",
  "ollama/gpt-oss:120b-cloud",
  "ollama/glm-4.6:cloud",
  "ollama/qwen3-coder:480B-CLOUD",
])("refuses %s and says what to write", (reference) => {
  const attempt = () => priceOf(reference);
  expect(attempt).toThrow(UnpricedModel);
  expect(attempt).toThrow(`under models.prices: "${reference}": { input: …, output: … }`);
  expect(attempt).toThrow(expect.objectContaining({ code: "unpriced_model", exitCode: 78, retry: "never" }));
});

it("takes local models and the extractive summary for free", () => {
  const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  for (const reference of [
    "ollama/qwen2.5:3b",
    "ollama/cloudy:7b",
    "ollama/hf.co/org/model:Q4_K_M",
    "extractive",
  ]) {
    expect(priceOf(reference)).toEqual(free);
  }
});

it.each([
  "http://localhost:11434",
  "http://ollama.localhost",
  "http://ollama:11434",
  "http://my_ollama-2:11434",
  "https://gpu-box",
  "http://127.0.0.1:11434",
  "http://127.8.9.10",
  "http://2130706433:11434",
  "http://0x7f.1",
  "http://0.0.0.0:11434",
  "http://10.1.2.3:11434",
  "http://172.31.0.1",
  "http://192.168.1.20",
  "http://169.254.10.1",
  "http://100.64.1.1",
  "http://[::1]:11434",
  "http://[::ffff:10.0.0.1]",
  "http://[fd12::1]",
  "http://[fe80::1]",
  "http://host.docker.internal:11434",
])("takes Ollama's models for free at %s", (url) => {
  expect(priceOf("ollama/qwen2.5:3b", {}, url)).toMatchObject({ input: 0, output: 0 });
});

it.each([
  "https://ollama.com",
  "http://8.8.8.8:11434",
  "http://134744072",
  "http://[::ffff:8.8.8.8]",
  "http://[64:ff9b::808:808]",
  "http://[2606:4700::1111]",
  "http://172.32.0.1",
  "http://10.0.0.1.nip.io",
  "http://127.0.0.1.example.com",
  "http://localhost.example.com",
  "http://ollama.local",
  "http://ollama.",
  "http://notlocalhost.example",
  "http://host.docker.internal.example.com",
  "http://127.0.0.1@ollama.com",
])("wants a price for Ollama's models at %s", (url) => {
  const attempt = () => priceOf("ollama/qwen2.5:3b", {}, url);
  expect(attempt).toThrow(UnpricedModel);
  expect(attempt).toThrow(`is no machine of your own network`);
  expect(attempt).toThrow(`under models.prices: "ollama/qwen2.5:3b": { input: …, output: … }`);
  expect(priceOf("ollama/qwen2.5:3b", { "ollama/qwen2.5:3b": { input: 1, output: 2 } }, url).output).toBe(2);
});

it("takes the premium for what is written to a cache where nobody states it", () => {
  const stated = { input: 0.8, output: 4 };
  const price = (reference: string, more: object = {}) =>
    priceOf(reference, { [reference]: { ...stated, ...more } });
  expect(price("anthropic/x")).toMatchObject({ ...stated, cacheRead: 0.8, cacheWrite: 1, cacheWrite1h: 1.6 });
  expect(price("openai/anthropic/claude-x")).toEqual({ ...stated, cacheRead: 0.8, cacheWrite: 1 });
  expect(price("anthropic/x", { cacheRead: 0.08, cacheWrite: 0.9 })).toMatchObject({
    ...stated,
    cacheRead: 0.08,
    cacheWrite: 0.9,
    cacheWrite1h: 1.6,
  });
  expect(priceOf("anthropic/claude-2")).toMatchObject({ input: 8, cacheWrite: 10, cacheWrite1h: 16 });
});

it("counts no dollars where the caller's own credential is handed on, but knows how much the model takes", () => {
  const paid = { type: "anthropic", baseUrl: "https://api.anthropic.com", apiKey: null, settings: {} };
  const providers = { paid, plan: { ...paid, auth: "client" as const } };
  const { contextWindow } = prices.priceOf("paid/claude-haiku-4-5", { prices: {}, providers });
  expect(contextWindow).toBeGreaterThan(0);
  const price = prices.priceOf("plan/claude-haiku-4-5", { prices: {}, providers });
  expect(price).toEqual({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, contextWindow });
  expect(prices.isFree(price)).toBe(true);
  expect(prices.isFree(prices.priceOf("plan/brand-new", { prices: {}, providers }))).toBe(true);
  const stated = { "plan/claude-haiku-4-5": { input: 1, output: 5 } };
  const own = prices.priceOf("plan/claude-haiku-4-5", { prices: stated, providers });
  expect(own).toMatchObject({ input: 1, output: 5, contextWindow });
});

it("lets the configuration win, over the snapshot and over what is free", () => {
  const overrides = {
    "anthropic/claude-haiku-4-5": { input: 2, output: 9 },
    "ollama/glm-4.6:cloud": { input: 1, output: 2, cacheRead: 0.5 },
    "ollama/qwen2.5:3b": { input: 3, output: 4 },
    "openai/on-my-own-machine": { input: 0, output: 0 },
  };
  const price = (reference: string) => priceOf(reference, overrides);
  expect(price("anthropic/claude-haiku-4-5")).toMatchObject({ input: 2, output: 9, cacheRead: 2 });
  expect(price("ollama/glm-4.6:cloud")).toEqual({ input: 1, output: 2, cacheRead: 0.5, cacheWrite: 1 });
  expect(price("ollama/qwen2.5:3b")).toMatchObject({ input: 3, output: 4 });
  expect(price("openai/on-my-own-machine")).toMatchObject({ input: 0, output: 0 });
});

it.each(["openrouter", "xai", "deepseek", "mistral", "groq", "together", "google"])(
  "knows prices of %s",
  (name) => {
    const [reference = ""] = Object.keys(snapshot.models).filter((each) => each.startsWith(`${name}/`));
    const providers = { [name]: providerAt("openai", "https://proxy.example/v1") };
    expect(prices.priceOf(reference, { prices: {}, providers }).input).toBeGreaterThan(0);
  },
);

it("knows the prices of a known server under a name of the owner's, and of no other", () => {
  const providers = {
    work: providerAt("openai", "https://api.x.ai/v1"),
    other: providerAt("openai", "https://api.x.ai.evil.example/v1"),
    azure: providerAt("openai", "https://me.openai.azure.com/openai/v1"),
    claude: providerAt("anthropic", "https://proxy.example"),
  };
  const pricing = { prices: { "other/mine": { input: 1, output: 4 } }, providers };
  expect(prices.priceOf("work/grok-4", pricing)).toMatchObject({ input: 3, output: 15 });
  expect(prices.priceOf("other/mine", pricing)).toMatchObject({ input: 1, output: 4, cacheWrite: 1.25 });
  for (const reference of ["other/grok-4", "azure/gpt-4.1", "claude/claude-haiku-4-5"])
    expect(() => prices.priceOf(reference, pricing)).toThrow(UnpricedModel);
});
