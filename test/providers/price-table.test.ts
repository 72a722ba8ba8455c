import { expect, it } from "vitest";
import snapshot from "../../src/providers/prices.json" with { type: "json" };
import { PRICES_DATE } from "../../src/providers/prices.ts";

const CACHES = ["cacheRead", "cacheWrite", "cacheWrite1h", "cacheWrite12h"];
interface RowRates {
  input: number;
  output: number;
}
interface Row extends RowRates {
  steps?: (RowRates & { above: number })[];
  tiers?: Record<string, number>;
  tools?: Record<string, number>;
  contextWindow?: number;
}

it("ships a dated snapshot that names its source, in which nothing is free", () => {
  expect(PRICES_DATE).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  expect(`${snapshot.source} ${snapshot.license}`).toMatch(/genai-prices .* MIT/);
  const prices = Object.values(snapshot.models);
  expect(prices.length).toBeGreaterThan(100);
  const isFree = (price: (typeof prices)[number]) =>
    !(price.input > 0) || (price.output > 0 ? "embeds" in price : !("embeds" in price));
  expect(prices.filter(isFree)).toEqual([]);
});

it("ships no row that contradicts itself", () => {
  const rows: [string, Row][] = Object.entries(snapshot.models);
  const kindsOf = (rates: object) => ["input", "output", ...CACHES].filter((kind) => kind in rates);
  const odd = rows.filter(([, { steps = [], tiers = {}, tools = {}, contextWindow = 1e6, ...base }]) => {
    const isStep = (step: RowRates & { above: number }, index: number) =>
      step.above > (steps[index - 1]?.above ?? 0) &&
      step.above < contextWindow &&
      step.input >= base.input &&
      kindsOf(step).join() === kindsOf(base).join();
    const isFactor = (factor: number) => factor >= 0.1 && factor <= 10;
    const isUse = (usd: number) => usd >= 0 && usd <= 0.1;
    const isSound =
      steps.every(isStep) && Object.values(tiers).every(isFactor) && Object.values(tools).every(isUse);
    return !isSound || contextWindow < 500;
  });
  expect(odd.map(([reference]) => reference)).toEqual([]);
});

it("ships no model of which one request is several at the provider, or a search besides", () => {
  const many = /multi-agent|fugu|sonar|online|search|research/;
  expect(Object.keys(snapshot.models).filter((reference) => many.test(reference))).toEqual([]);
});

it("ships no name at OpenRouter that stands for whichever model of a family is the newest", () => {
  expect(Object.keys(snapshot.models).filter((reference) => reference.includes("/~"))).toEqual([]);
});

it("has models that make numbers of text, which have no output", () => {
  expect(snapshot.models["openai/text-embedding-3-small"]).toMatchObject({
    input: 0.02,
    output: 0,
    embeds: true,
  });
});

it("has what an hour in the cache costs wherever Claude is sold, since a client may ask for it", () => {
  const rows: [string, object][] = Object.entries(snapshot.models);
  const claude = rows.filter(
    ([reference, row]) => /^(anthropic|openrouter\/anthropic)\//.test(reference) && "cacheWrite" in row,
  );
  expect(claude.length).toBeGreaterThan(50);
  expect(claude.filter(([, row]) => !("cacheWrite1h" in row))).toEqual([]);
});
