import { expect, it } from "vitest";
import { type Bill, claude, hour, isBilled } from "./bills.ts";

/** Haiku 4.5 $1/$5, Sonnet 4.6 $3/$15, Opus 5 $5/$25, Opus 5.5 $4/$20, Sonnet 5.5 $2/$10, Fable 5.1 $10/$50. */
const BILLS: Bill[] = [
  ["input and output", "anthropic/claude-haiku-4-5", claude(1_000, 500), 1_000 * 1 + 500 * 5],
  ["a dated name", "anthropic/claude-haiku-4-5-20251001", claude(1_000, 500), 1_000 * 1 + 500 * 5],
  [
    "thinking, which is inside",
    "anthropic/claude-opus-5",
    claude(2_000, 9_000, { output_tokens_details: { thinking_tokens: 8_000 } }),
    2_000 * 5 + 9_000 * 25,
  ],
  [
    "cache reads",
    "anthropic/claude-sonnet-4-6",
    claude(100, 200, { cache_read_input_tokens: 50_000 }),
    100 * 3 + 200 * 15 + 50_000 * 0.3,
  ],
  [
    "cache reads at a twentieth",
    "anthropic/claude-opus-5-5",
    claude(0, 200, { cache_read_input_tokens: 50_000 }),
    200 * 20 + 50_000 * 0.2,
  ],
  [
    "cache reads at a fortieth",
    "anthropic/claude-fable-5-1",
    claude(0, 200, { cache_read_input_tokens: 40_000 }),
    200 * 50 + 40_000 * 0.25,
  ],
  [
    "cache writes without a split",
    "anthropic/claude-sonnet-4-6",
    claude(100, 200, { cache_creation_input_tokens: 20_000 }),
    100 * 3 + 200 * 15 + 20_000 * 3.75,
  ],
  [
    "cache writes for five minutes",
    "anthropic/claude-sonnet-4-6",
    claude(100, 200, hour(20_000, 0)),
    100 * 3 + 200 * 15 + 20_000 * 3.75,
  ],
  [
    "cache writes for an hour",
    "anthropic/claude-sonnet-4-6",
    claude(100, 200, hour(0, 20_000)),
    100 * 3 + 200 * 15 + 20_000 * 6,
  ],
  [
    "cache writes of both kinds",
    "anthropic/claude-opus-5",
    claude(0, 100, hour(8_000, 4_000)),
    100 * 25 + 8_000 * 6.25 + 4_000 * 10,
  ],
  [
    "reads and writes of both kinds",
    "anthropic/claude-sonnet-4-6",
    claude(10, 100, { ...hour(1_000, 2_000), cache_read_input_tokens: 30_000 }),
    10 * 3 + 100 * 15 + 1_000 * 3.75 + 2_000 * 6 + 30_000 * 0.3,
  ],
  [
    "one search",
    "anthropic/claude-sonnet-4-6",
    claude(5_000, 400, { server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 } }),
    5_000 * 3 + 400 * 15 + 10_000,
  ],
  [
    "searches and pages fetched",
    "anthropic/claude-haiku-4-5",
    claude(9_000, 400, { server_tool_use: { web_search_requests: 3, web_fetch_requests: 7 } }),
    9_000 * 1 + 400 * 5 + 3 * 10_000,
  ],
  [
    "pages fetched alone",
    "anthropic/claude-haiku-4-5",
    claude(9_000, 400, { server_tool_use: { web_fetch_requests: 2 } }),
    9_000 * 1 + 400 * 5,
  ],
  [
    "fast mode",
    "anthropic/claude-opus-5",
    claude(1_000, 500, { speed: "fast", service_tier: "standard" }),
    2 * (1_000 * 5 + 500 * 25),
  ],
  [
    "fast mode with caches",
    "anthropic/claude-opus-5-5",
    claude(0, 500, { speed: "fast", ...hour(0, 3_000), cache_read_input_tokens: 10_000 }),
    2 * (500 * 20 + 3_000 * 8 + 10_000 * 0.2),
  ],
  [
    "a batch",
    "anthropic/claude-opus-5",
    claude(1_000, 500, { service_tier: "batch" }),
    0.5 * (1_000 * 5 + 500 * 25),
  ],
  [
    "a batch with a search, which costs the same",
    "anthropic/claude-opus-5",
    claude(1_000, 500, { service_tier: "batch", server_tool_use: { web_search_requests: 1 } }),
    0.5 * (1_000 * 5 + 500 * 25) + 10_000,
  ],
  [
    "one region",
    "anthropic/claude-sonnet-4-6",
    claude(1_000, 500, { inference_geo: "us" }),
    1.1 * (1_000 * 3 + 500 * 15),
  ],
  [
    "one region with every kind of cache",
    "anthropic/claude-opus-5",
    claude(100, 500, { inference_geo: "us", ...hour(1_000, 2_000), cache_read_input_tokens: 4_000 }),
    1.1 * (100 * 5 + 500 * 25 + 1_000 * 6.25 + 2_000 * 10 + 4_000 * 0.5),
  ],
  [
    "one region and fast",
    "anthropic/claude-opus-5",
    claude(1_000, 500, { inference_geo: "us", speed: "fast" }),
    2.2 * (1_000 * 5 + 500 * 25),
  ],
  [
    "one region and a search, which costs the same",
    "anthropic/claude-sonnet-4-6",
    claude(1_000, 500, { inference_geo: "us", server_tool_use: { web_search_requests: 2 } }),
    1.1 * (1_000 * 3 + 500 * 15) + 20_000,
  ],
  [
    "anywhere",
    "anthropic/claude-sonnet-4-6",
    claude(1_000, 500, { inference_geo: "global", service_tier: "standard", speed: "standard" }),
    1_000 * 3 + 500 * 15,
  ],
  [
    "a large input at a flat price",
    "anthropic/claude-opus-5",
    claude(600_000, 1_000),
    600_000 * 5 + 1_000 * 25,
  ],
  [
    "the highest input of the lower step",
    "anthropic/claude-haiku-5-5",
    claude(100_000, 1_000),
    100_000 * 0.1 + 1_000 * 0.5,
  ],
  ["one token beyond it", "anthropic/claude-haiku-5-5", claude(100_001, 1_000), 100_001 * 0.5 + 1_000 * 2.5],
  [
    "a step that only the cached input reaches",
    "anthropic/claude-haiku-5-5",
    claude(1_000, 1_000, { cache_read_input_tokens: 99_001 }),
    1_000 * 0.5 + 1_000 * 2.5 + 99_001 * 0.05,
  ],
  [
    "a step with writes for an hour",
    "anthropic/claude-haiku-5-5",
    claude(0, 1_000, hour(0, 150_000)),
    1_000 * 2.5 + 150_000 * 1,
  ],
];

it.each(BILLS)("bills %s of %s", (_, model, figures, micros) => {
  expect(isBilled(model, figures, micros)).toBe("exactly");
});
