import { expect, it } from "vitest";
import snapshot from "../../src/models/prices.json" with { type: "json" };
import { PRICES_DATE, priceOf, UnpricedModel } from "../../src/models/prices.ts";

it("knows a model by its exact name", () => {
  expect(priceOf("anthropic/claude-haiku-4-5", {})).toEqual({
    input: 1,
    output: 5,
    cacheRead: 0.1,
    cacheWrite: 1.25,
  });
});

it("knows a model by its dated name, where the source says that it is the same", () => {
  expect(priceOf("anthropic/claude-haiku-4-5-20251001", {})).toEqual(
    priceOf("anthropic/claude-haiku-4-5", {}),
  );
  expect(priceOf("openai/gpt-5-nano-2025-08-07", {})).toEqual(priceOf("openai/gpt-5-nano", {}));
});

it("prefers a dated name of its own price to the undated one", () => {
  expect(priceOf("openai/gpt-4o-2024-05-13", {}).input).toBe(5);
  expect(priceOf("openai/gpt-4o-2024-08-06", {}).input).toBe(2.5);
});

it("takes the dearest of several tiers, and no price of the past", () => {
  expect(priceOf("openai/gpt-5.4", {})).toMatchObject({ input: 5, output: 22.5 });
  expect(priceOf("openai/o3", {})).toMatchObject({ input: 2, output: 8 });
});

it("takes the input price where no cache price is stated", () => {
  expect(priceOf("openai/gpt-4-turbo", {})).toEqual({ input: 10, output: 30, cacheRead: 10, cacheWrite: 10 });
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
  const attempt = () => priceOf(reference, {});
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
    expect(priceOf(reference, {})).toEqual(free);
  }
});

it("lets the configuration win, over the snapshot and over what is free", () => {
  const overrides = {
    "anthropic/claude-haiku-4-5": { input: 2, output: 9 },
    "ollama/glm-4.6:cloud": { input: 1, output: 2, cacheRead: 0.5 },
    "ollama/qwen2.5:3b": { input: 3, output: 4 },
    "openai/on-my-own-machine": { input: 0, output: 0 },
  };
  const price = (reference: string) => priceOf(reference, overrides);
  expect(price("anthropic/claude-haiku-4-5")).toEqual({ input: 2, output: 9, cacheRead: 2, cacheWrite: 2 });
  expect(price("ollama/glm-4.6:cloud")).toEqual({ input: 1, output: 2, cacheRead: 0.5, cacheWrite: 1 });
  expect(price("ollama/qwen2.5:3b")).toMatchObject({ input: 3, output: 4 });
  expect(price("openai/on-my-own-machine")).toMatchObject({ input: 0, output: 0 });
});

it("ships a dated snapshot that names its source, in which nothing is free", () => {
  expect(PRICES_DATE).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(`${snapshot.source} ${snapshot.license}`).toMatch(/genai-prices .* MIT/);
  const prices = Object.values(snapshot.models);
  expect(prices.length).toBeGreaterThan(100);
  expect(prices.filter(({ input, output }) => !(input > 0 && output > 0))).toEqual([]);
});
