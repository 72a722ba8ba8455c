import fc from "fast-check";
import { expect, it } from "vitest";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { costMicros } from "../../../../src/providers/estimate.ts";
import snapshot from "../../../../src/providers/prices.json" with { type: "json" };
import { priceOf } from "../../../../src/providers/prices.ts";
import type { Usage } from "../../../../src/providers/types.ts";
import { bound } from "./asked.ts";

const providers = {
  openai: { type: "openai", baseUrl: "https://api.openai.com/v1", apiKey: "k", settings: {} },
};
const MODELS = Object.keys(snapshot.models).filter((name) => name.startsWith("openai/"));

function asked(reference: string): AskedModel {
  return {
    reference,
    model: reference.slice("openai/".length),
    providerType: "openai",
    isOriginal: true,
    server: "openai",
    tokenLimit: "max_completion_tokens",
    price: priceOf(reference, { prices: {}, providers } as unknown as Parameters<typeof priceOf>[1]),
    isFree: false,
    priceOf: () => null,
  };
}

const EVERYTHING = ["web_search", "file_search", "code_execution", "priority"];
const TOOLS = [
  { type: "web_search" },
  { type: "web_search_preview" },
  { type: "file_search" },
  { type: "code_interpreter", container: { type: "auto" } },
];

it("covers the models of the list", () => {
  expect(MODELS.length).toBeGreaterThan(50);
});

it("no bill within the limits is above what was reserved, for any model, tier, step, cache and tools", () => {
  fc.assert(
    fc.property(
      fc.record({
        reference: fc.constantFrom(...MODELS),
        size: fc.nat(2_000_000),
        limit: fc.integer({ min: 1, max: 200_000 }),
        tier: fc.option(fc.nat(9)),
        ttl: fc.option(fc.constantFrom("30m", "12h")),
        tools: fc.subarray(TOOLS),
        calls: fc.integer({ min: 1, max: 20 }),
        parts: fc.tuple(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.double({ min: 0, max: 1, noNaN: true }),
        ),
      }),
      ({ reference, size, limit, tier, ttl, tools, calls, parts }) => {
        const model = asked(reference);
        if (model.price.output === 0) return;
        const offered = tools.filter(({ type }) => Object.hasOwn(model.price.tools ?? {}, type));
        const tiers = Object.keys(model.price.tiers ?? {});
        const service_tier = tier === null ? undefined : tiers[tier % Math.max(1, tiers.length)];
        const said = {
          input: "x".repeat(size),
          max_output_tokens: limit,
          ...(service_tier === undefined ? {} : { service_tier }),
          ...(ttl === null ? {} : { prompt_cache_options: { ttl } }),
          ...(offered.length === 0 ? {} : { tools: offered, max_tool_calls: calls }),
        };
        if (offered.length > 0 && model.price.contextWindow === undefined) return;
        const { estimateMicros, estimateTokens, outputTokensMax } = bound(
          "responses",
          said,
          model,
          EVERYTHING,
        );
        const input = estimateTokens - outputTokensMax;
        const written = Math.floor(input * parts[0]);
        const read = Math.floor((input - written) * parts[1]);
        const usage: Usage = {
          inputTokens: input - written - read,
          cacheReadTokens: read,
          cacheWriteTokens: ttl === "12h" ? 0 : written,
          ...(ttl === "12h" ? { cacheWrite12hTokens: written } : {}),
          outputTokens: limit,
          ...(service_tier === undefined ? {} : { tier: service_tier }),
          tools: Object.fromEntries(offered.map(({ type }) => [type, calls])),
        };
        const bill = costMicros(usage, model.price);
        expect(bill).toBeTypeOf("number");
        expect(bill).toBeLessThanOrEqual(estimateMicros);
      },
    ),
    { numRuns: 400 },
  );
});
