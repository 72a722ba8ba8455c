import { expect, it } from "vitest";
import { type Bill, cached, chat, isBilled } from "./bills.ts";

/** GPT-5.5 $5/$30 (above 272k $10/$45), 5.6 Sol $4/$20 ($8/$30), GPT-4.1 $2/$8, GPT-6 Astra $10/$50. */
const BILLS: Bill[] = [
  ["input and output", "openai/gpt-4.1", chat(1_000, 500, { total_tokens: 1_500 }), 1_000 * 2 + 500 * 8],
  [
    "the listed tier by its name",
    "openai/gpt-5.5",
    chat(1_000, 500, {}, { service_tier: "default" }),
    1_000 * 5 + 500 * 30,
  ],
  ["cached input", "openai/gpt-5.5", chat(10_000, 500, cached(8_000)), 2_000 * 5 + 8_000 * 0.5 + 500 * 30],
  [
    "reasoning inside",
    "openai/gpt-5.5",
    chat(1_000, 900, { total_tokens: 1_900, completion_tokens_details: { reasoning_tokens: 800 } }),
    1_000 * 5 + 900 * 30,
  ],
  [
    "reasoning outside",
    "xai/grok-4.3",
    chat(1_000, 100, { total_tokens: 1_900, completion_tokens_details: { reasoning_tokens: 800 } }),
    1_000 * 1.25 + 900 * 2.5,
  ],
  [
    "predictions that were rejected, which are inside",
    "openai/gpt-4.1",
    chat(1_000, 900, { total_tokens: 1_900, completion_tokens_details: { rejected_prediction_tokens: 300 } }),
    1_000 * 2 + 900 * 8,
  ],
  [
    "cache writes",
    "openai/gpt-5.6-sol",
    chat(10_000, 500, { prompt_tokens_details: { cached_tokens: 2_000, cache_write_tokens: 5_000 } }),
    3_000 * 4 + 2_000 * 0.4 + 5_000 * 5 + 500 * 20,
  ],
  [
    "cache writes for half a day",
    "openai/gpt-5.6-sol",
    chat(10_000, 500, {
      prompt_tokens_details: {
        cache_write_tokens: 5_000,
        cache_write_tokens_details: { ttl_30m_tokens: 1_000, ttl_12h_tokens: 4_000 },
      },
    }),
    5_000 * 4 + 1_000 * 5 + 4_000 * 10 + 500 * 20,
  ],
  [
    "the highest input of the lower step",
    "openai/gpt-5.6-sol",
    chat(272_000, 1_000),
    272_000 * 4 + 1_000 * 20,
  ],
  ["one token beyond it", "openai/gpt-5.6-sol", chat(272_001, 1_000), 272_001 * 8 + 1_000 * 30],
  [
    "a step with cached input and writes",
    "openai/gpt-5.6-sol",
    chat(300_000, 1_000, { prompt_tokens_details: { cached_tokens: 100_000, cache_write_tokens: 50_000 } }),
    150_000 * 8 + 100_000 * 0.8 + 50_000 * 10 + 1_000 * 30,
  ],
  ["a step of Gemini", "google/gemini-2.5-pro", chat(200_001, 1_000), 200_001 * 2.5 + 1_000 * 15],
  ["a step of Grok, from 200,000 on", "xai/grok-4.3", chat(200_000, 1_000), 200_000 * 2.5 + 1_000 * 5],
  ["flex", "openai/gpt-5.5", chat(1_000, 500, {}, { service_tier: "flex" }), 0.5 * (1_000 * 5 + 500 * 30)],
  [
    "priority",
    "openai/gpt-5.5",
    chat(1_000, 500, {}, { service_tier: "priority" }),
    2.5 * (1_000 * 5 + 500 * 30),
  ],
  [
    "priority of an older model",
    "openai/gpt-4.1",
    chat(1_000, 500, cached(400), { service_tier: "priority" }),
    600 * 3.5 + 400 * 0.875 + 500 * 14,
  ],
  [
    "ultrafast",
    "openai/gpt-6-astra",
    chat(1_000, 500, {}, { service_tier: "ultrafast" }),
    1_000 * 60 + 500 * 300,
  ],
  [
    "ultrafast, beyond the step, for half a day",
    "openai/gpt-6-astra",
    chat(
      300_000,
      500,
      {
        prompt_tokens_details: {
          cache_write_tokens: 300_000,
          cache_write_tokens_details: { ttl_12h_tokens: 300_000 },
        },
      },
      { service_tier: "ultrafast" },
    ),
    300_000 * 300 + 500 * 450,
  ],
  [
    "DeepSeek's hits and misses",
    "deepseek/deepseek-v4-pro",
    chat(10_000, 500, { prompt_cache_hit_tokens: 4_000, prompt_cache_miss_tokens: 6_000 }),
    6_000 * 1.32 + 4_000 * 0.044 + 500 * 3.96,
  ],
  [
    "a bridge to Claude",
    "openrouter/anthropic/claude-sonnet-4.6",
    chat(10_000, 500, { cache_read_input_tokens: 4_000, cache_creation_input_tokens: 1_000 }),
    5_000 * 3 + 4_000 * 0.3 + 1_000 * 3.75 + 500 * 15,
  ],
  [
    "OpenRouter's own bill, with an hour in the cache",
    "openrouter/anthropic/claude-sonnet-4.6",
    chat(10_000, 500, {
      prompt_tokens_details: { cache_write_tokens: 10_000 },
      cost: 0.0675,
      cost_details: { upstream_inference_cost: null },
    }),
    10_000 * 6 + 500 * 15,
  ],
  [
    "OpenRouter's own bill, below what its counts come to",
    "openrouter/anthropic/claude-sonnet-4.6",
    chat(10_000, 500, { cost: 0.001, cost_details: {} }),
    10_000 * 3 + 500 * 15,
  ],
  [
    "OpenRouter's fee beside the bill of one's own key",
    "openrouter/anthropic/claude-sonnet-4.6",
    chat(10_000, 500, { cost: 0.002, is_byok: true, cost_details: { upstream_inference_cost: 0.0375 } }),
    10_000 * 3 + 500 * 15 + 2_000,
  ],
  [
    "Groq's own word for its tier",
    "groq/openai/gpt-oss-120b",
    chat(1_000, 500, {}, { service_tier: "on_demand" }),
    1_000 * 0.15 + 500 * 0.6,
  ],
  ["embeddings", "openai/text-embedding-3-small", chat(8_000, 0, { total_tokens: 8_000 }), 8_000 * 0.02],
];

it.each(BILLS)("bills %s of %s", (_, model, figures, micros) => {
  expect(isBilled(model, figures, micros)).toBe("exactly");
});
