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
  ["another tier", { service_tier: "priority" }, { ...PLAIN, tier: "priority" }],
  ["another speed", { speed: "fast", service_tier: "standard" }, { ...PLAIN, tier: "fast" }],
  ["both at once", { speed: "fast", service_tier: "batch" }, { ...PLAIN, tier: "batch+fast" }],
  [
    "tools that ran at the provider",
    { server_tool_use: { web_search_requests: 2, web_fetch_requests: 1, code_execution_requests: null } },
    { ...PLAIN, tools: { web_search: 2, web_fetch: 1 } },
  ],
  [
    "a pass that the counts leave out",
    { iterations: [{ type: "message" }, { type: "compaction", input_tokens: 7, output_tokens: 2 }] },
    { ...PLAIN, passes: [{ model: null, usage: { ...PLAIN, inputTokens: 7, outputTokens: 2 } }] },
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
  ["a region nobody knows", { inference_geo: "mars" }],
  ["a use of tools that is no count", { server_tool_use: { web_search_requests: -2 } }],
  ["tools in words", { server_tool_use: "2" }],
  ["passes that are no list", { iterations: 2 }],
  ["a pass without counts", { iterations: [{ type: "message" }, { type: "compaction" }] }],
  ["a pass of another kind", { iterations: [{ type: "debate", input_tokens: 7, output_tokens: 2 }] }],
  [
    "another model's pass without its name",
    { iterations: [{ type: "advisor_message", input_tokens: 7, output_tokens: 2 }] },
  ],
  [
    "another model's answer that is not what was counted",
    { iterations: [{ type: "fallback_message", model: "b", input_tokens: 7, output_tokens: 2 }] },
  ],
])("does not know the price of %s", (_, more) => {
  expect(anthropicFigures(usage(more))).toEqual({ unknown: expect.any(String), hasOtherPrices: true });
});
