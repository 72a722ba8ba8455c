import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costMicros, type WorstCase, worstMicros } from "../../src/providers/estimate.ts";
import snapshot from "../../src/providers/prices.json" with { type: "json" };
import { priceOf } from "../../src/providers/prices.ts";
import { KNOWN_PROVIDERS } from "../../src/providers/registry.ts";
import type { Price, Usage } from "../../src/providers/types.ts";
import { providerAt } from "./chain-config.ts";

const providers = Object.fromEntries(
  Object.entries(KNOWN_PROVIDERS).map(([name, { type }]) => [
    name,
    providerAt(type, "https://proxy.example"),
  ]),
);
const TABLE = Object.keys(snapshot.models).map((reference) => {
  // Under the provider's own name the address is any.
  return [reference, priceOf(reference, { prices: {}, providers })] as const;
});
const KINDS = [
  "inputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "cacheWrite1hTokens",
  "cacheWrite12hTokens",
] as const;
const WRITES = {
  none: KINDS.slice(0, 2),
  "5m": KINDS.slice(0, 3),
  "1h": KINDS.slice(0, 4),
  "12h": ["inputTokens", "cacheReadTokens", "cacheWriteTokens", "cacheWrite12hTokens"],
  any: KINDS,
} as const;
const CACHE_WRITES = Object.keys(WRITES) as WorstCase["cacheWrites"][];

/** Sizes of input on both sides of each step. */
const sizesOf = (price: Price) => [
  1,
  1_000,
  ...(price.steps ?? []).flatMap(({ above }) => [above, above + 1]),
  price.contextWindow ?? 50_000,
];
/** What a reply may name where `tier` was asked for: a provider may serve it in the listed one. */
const tiersServed = (tier: string, price: Price) => {
  if (tier === "listed") return [undefined];
  return tier === "any" ? [undefined, ...Object.keys(price.tiers ?? {})] : [undefined, tier];
};
const tokens = (counts: object): Usage => ({
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  ...counts,
});
const more = (tier: string | undefined, isRegional: boolean) => ({
  ...(tier === undefined ? {} : { tier }),
  ...(isRegional ? { isRegional: true as const } : {}),
});

describe("what is reserved", () => {
  it("is never below what is settled: every model of the table, tier, step, kind of cache and region", () => {
    const broken: unknown[] = [];
    let cases = 0;
    for (const [reference, price] of TABLE) {
      for (const tier of ["listed", "any", ...Object.keys(price.tiers ?? {})]) {
        for (const size of sizesOf(price)) {
          for (const cacheWrites of CACHE_WRITES) {
            for (const isRegional of [true, false]) {
              const base = { inputTokens: size, outputTokens: 777, passes: 1, cacheWrites, tier, tools: {} };
              const { micros } = worstMicros({ ...base, isRegional }, price);
              for (const served of tiersServed(tier, price)) {
                for (const kind of WRITES[cacheWrites]) {
                  cases += 1;
                  const usage = tokens({ [kind]: size, outputTokens: 777, ...more(served, isRegional) });
                  const cost = costMicros(usage, price);
                  if (!(typeof cost === "number" && cost <= micros))
                    broken.push({ reference, usage, cost, micros });
                }
              }
            }
          }
        }
      }
    }
    expect(broken.slice(0, 3)).toEqual([]);
    expect(cases).toBeGreaterThan(100_000);
  });

  it("is never below what is settled for mixed kinds, several passes and tools", () => {
    const share = fc.nat(1_000);
    const call = fc.record({
      row: fc.nat(TABLE.length - 1),
      size: fc.nat(20),
      odd: fc.nat(3_000),
      tier: fc.nat(20),
      served: fc.nat(20),
      cacheWrites: fc.constantFrom(...CACHE_WRITES),
      isRegional: fc.constantFrom(true, false, "any" as const),
      isKept: fc.boolean(),
      passes: fc.array(fc.array(share, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      isSplit: fc.boolean(),
      outputTokens: fc.nat(100_000),
      uses: fc.nat(9),
    });
    fc.assert(
      fc.property(call, (drawn) => {
        const [reference = "", price] = TABLE[drawn.row] ?? [];
        if (price === undefined) throw new Error("a row beyond the table");
        const sizes = sizesOf(price);
        const inputTokens = (sizes[drawn.size % sizes.length] ?? 0) + drawn.odd;
        const asked = ["listed", "any", ...Object.keys(price.tiers ?? {})];
        const tier = asked[drawn.tier % asked.length] ?? "listed";
        const served = tiersServed(tier, price);
        const tools = Object.fromEntries(Object.keys(price.tools ?? {}).map((name) => [name, drawn.uses]));
        const { cacheWrites, isRegional, outputTokens } = drawn;
        const worst = {
          inputTokens,
          outputTokens,
          passes: drawn.passes.length,
          cacheWrites,
          tier,
          isRegional,
          tools,
        };
        const terms = more(
          served[drawn.served % served.length],
          isRegional === "any" ? drawn.isKept : isRegional,
        );
        const passes = drawn.passes.map((shares) => passOf(shares, worst));
        const [first = {}, ...rest] = drawn.isSplit ? passes : [sumOf(passes)];
        const usage: Usage = {
          ...tokens({ ...first, ...terms }),
          tools,
          passes: rest.map((pass) => ({ model: null, usage: tokens({ ...pass, ...terms }) })),
        };
        const { micros, outputMicros } = worstMicros(worst, price);
        expect(costMicros(usage, price), reference).toBeLessThanOrEqual(micros);
        expect(outputMicros).toBeLessThanOrEqual(micros);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** Tokens of one pass, by six shares: of each kind that may come, and of its part of the output. */
function passOf(shares: number[], worst: WorstCase): Record<string, number> {
  const kinds = WRITES[worst.cacheWrites];
  const all = shares.slice(0, kinds.length).reduce((sum, each) => sum + each, 0) || 1;
  const counts = kinds.map((kind, index) => [
    kind,
    Math.floor((worst.inputTokens * (shares[index] ?? 0)) / all),
  ]);
  const outputTokens = Math.floor((worst.outputTokens * (shares[5] ?? 0)) / 1_000 / worst.passes);
  return { ...Object.fromEntries(counts), outputTokens };
}

function sumOf(passes: Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const pass of passes) {
    for (const [kind, count] of Object.entries(pass)) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}

const PRICE: Price = {
  input: 2,
  output: 10,
  cacheRead: 0.2,
  cacheWrite: 2.5,
  cacheWrite1h: 4,
  cacheWrite12h: 5,
  steps: [{ above: 1_000, input: 4, output: 15, cacheRead: 0.4, cacheWrite: 5, cacheWrite1h: 8 }],
  tiers: { flex: 0.5, priority: 2 },
  tools: { web_search: 0.01 },
  regionalFactor: 1.1,
};
const PLAIN: WorstCase = {
  inputTokens: 1_000,
  outputTokens: 100,
  passes: 1,
  cacheWrites: "none",
  tier: "listed",
  isRegional: false,
  tools: {},
};

it.each<[string, Partial<WorstCase>, number, number]>([
  ["the input price", {}, 1_000 * 2, 100 * 10],
  ["writes for minutes", { cacheWrites: "5m" }, 1_000 * 2.5, 100 * 10],
  ["writes for an hour", { cacheWrites: "1h" }, 1_000 * 4, 100 * 10],
  ["writes for half a day", { cacheWrites: "12h" }, 1_000 * 5, 100 * 10],
  ["any writes", { cacheWrites: "any" }, 1_000 * 5, 100 * 10],
  ["the step that the input may reach", { inputTokens: 1_001 }, 1_001 * 4, 100 * 15],
  ["the step that two passes may reach together", { passes: 2 }, 2_000 * 4, 100 * 15],
  ["a dearer tier", { tier: "priority" }, 2_000 * 2, 100 * 20],
  ["a cheaper tier, which need not be the one that serves", { tier: "flex" }, 1_000 * 2, 100 * 10],
  ["any tier", { tier: "any" }, 2_000 * 2, 100 * 20],
  ["one region", { isRegional: true }, 1_000 * 2.2, 100 * 11],
  ["any region", { isRegional: "any" }, 1_000 * 2.2, 100 * 11],
  ["tools", { tools: { web_search: 5 } }, 1_000 * 2 + 50_000, 100 * 10],
])("reserves for %s", (_, changes, inputMicros, outputMicros) => {
  const worst = { ...PLAIN, ...changes };
  const reserved = worstMicros(worst, PRICE);
  // Beside it stand what is rounded up, and a unit for what floating point adds.
  expect(Math.abs(reserved.outputMicros - outputMicros)).toBeLessThanOrEqual(1);
  expect(reserved.micros).toBeGreaterThanOrEqual(inputMicros + outputMicros);
  expect(reserved.micros).toBeLessThanOrEqual(inputMicros + outputMicros + 2 + 6 * worst.passes);
});

it.each<[string, Partial<WorstCase>]>([
  ["a tier", { tier: "lightning" }],
  ["a tool", { tools: { telepathy: 1 } }],
  ["a tier with the name of an object's own", { tier: "constructor" }],
])("has no bound for %s without a price", (_, changes) => {
  expect(() => worstMicros({ ...PLAIN, ...changes }, PRICE)).toThrow(/no price/);
});
