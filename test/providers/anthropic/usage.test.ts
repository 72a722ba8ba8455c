import { expect, it } from "vitest";
import { anthropicFigures } from "../../../src/providers/anthropic/usage.ts";

const usage = (more: object = {}) => ({ input_tokens: 10, output_tokens: 5, ...more });
const PLAIN = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };

it.each<[string, object, object]>([
  ["nothing but the two counts", {}, PLAIN],
  [
    "everything that does not cost",
    {
      service_tier: "standard",
      speed: "standard",
      inference_geo: "global",
      server_tool_use: { web_search_requests: 0 },
      cache_creation: null,
      cache_creation_input_tokens: null,
      iterations: [{ type: "message" }],
    },
    PLAIN,
  ],
  [
    "the cache as a sum",
    { cache_creation_input_tokens: 7, cache_read_input_tokens: 3 },
    { ...PLAIN, cacheReadTokens: 3, cacheWriteTokens: 7 },
  ],
  [
    "the cache by how long it is kept",
    {
      cache_creation_input_tokens: 7,
      cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
    },
    { ...PLAIN, cacheWriteTokens: 3, cacheWrite1hTokens: 4 },
  ],
  ["a region of its own price", { inference_geo: "us" }, { ...PLAIN, isRegional: true }],
  [
    "no sum of the two kinds of cache",
    { cache_creation: { ephemeral_1h_input_tokens: 4 } },
    { ...PLAIN, cacheWriteTokens: 0, cacheWrite1hTokens: 4 },
  ],
])("reads %s", (_, more, expected) => {
  expect(anthropicFigures(usage(more))).toEqual(expected);
});

it.each<[string, unknown]>([
  ["no usage", null],
  ["no input", { output_tokens: 5 }],
  ["no output", { input_tokens: 5 }],
  ["a negative count", usage({ cache_read_input_tokens: -1 })],
  ["a count in words", usage({ output_tokens: "5" })],
  ["a kind of cache that is no count", usage({ cache_creation: { ephemeral_1h_input_tokens: 0.5 } })],
  [
    "kinds of cache that are not the sum",
    usage({ cache_creation_input_tokens: 7, cache_creation: { ephemeral_5m_input_tokens: 3 } }),
  ],
])("does not know what was billed with %s", (_, figures) => {
  expect(anthropicFigures(figures)).toEqual({ unknown: expect.any(String) });
});

it.each<[string, object]>([
  ["another tier", { service_tier: "priority" }],
  ["another speed", { speed: "fast" }],
  ["a region nobody knows", { inference_geo: "mars" }],
  ["a tool that ran at the provider", { server_tool_use: { web_search_requests: 2 } }],
  ["a pass that the counts leave out", { iterations: [{ type: "message" }, { type: "compaction" }] }],
])("does not price %s by tokens", (_, more) => {
  expect(anthropicFigures(usage(more))).toEqual({ unknown: expect.any(String), hasOtherPrices: true });
});
