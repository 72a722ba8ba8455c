import { expect, it } from "vitest";
import * as reading from "../../../src/providers/openai/usage.ts";

const openaiFigures = (usage: unknown) => reading.openaiFigures({ usage });

const usage = (prompt: unknown, completion: unknown, more: object = {}) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  ...more,
});
const reasoning = (tokens: unknown) => ({ completion_tokens_details: { reasoning_tokens: tokens } });
const cached = (tokens: unknown) => ({ prompt_tokens_details: { cached_tokens: tokens } });

it.each<[string, object, number]>([
  ["no total", usage(10, 5), 5],
  ["a total that is null", usage(10, 5, { total_tokens: null }), 5],
  ["a total that adds up", usage(10, 5, { total_tokens: 15 }), 5],
  ["a total with more in it", usage(10, 5, { total_tokens: 40 }), 30],
  ["reasoning inside, as OpenAI has it", usage(10, 25, { total_tokens: 35, ...reasoning(20) }), 25],
  ["reasoning outside, as xAI has it", usage(10, 5, { total_tokens: 35, ...reasoning(20) }), 25],
  ["less reasoning outside than was said", usage(10, 30, { total_tokens: 45, ...reasoning(5) }), 35],
  ["more reasoning than completion, without a total", usage(10, 5, reasoning(20)), 25],
  [
    "more reasoning than completion, and a total without it",
    usage(10, 5, { total_tokens: 15, ...reasoning(20) }),
    25,
  ],
  ["reasoning that may be inside or outside", usage(10, 25, reasoning(20)), 45],
  ["a total between the two readings", usage(10, 25, { total_tokens: 40, ...reasoning(20) }), 45],
  ["reasoning at the top", usage(10, 5, { total_tokens: 35, reasoning_tokens: 20 }), 25],
  ["two figures for reasoning", usage(10, 5, { reasoning_tokens: 30, ...reasoning(20) }), 35],
  [
    "details that are null",
    usage(10, 5, { completion_tokens_details: null, prompt_tokens_details: null }),
    5,
  ],
  ["nothing generated", usage(10, 0, { total_tokens: 10 }), 0],
])("takes the most output that the figures allow with %s", (_, figures, outputTokens) => {
  expect(openaiFigures(figures)).toEqual({
    inputTokens: 10,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens,
  });
});

it.each<[string, object, object]>([
  ["cached tokens of OpenAI", cached(4), { inputTokens: 6, cacheReadTokens: 4 }],
  [
    "DeepSeek's hits and misses",
    { prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 },
    { inputTokens: 6, cacheReadTokens: 4 },
  ],
  ["cached tokens at the top", { cached_tokens: 4 }, { inputTokens: 6, cacheReadTokens: 4 }],
  [
    "two figures, of which the smaller saves less",
    { ...cached(0), prompt_cache_hit_tokens: 4 },
    { inputTokens: 10, cacheReadTokens: 0 },
  ],
  [
    "writes of OpenAI",
    { prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 4 } },
    { inputTokens: 5, cacheReadTokens: 1, cacheWriteTokens: 4 },
  ],
  [
    "writes of a bridge to Claude",
    { cache_creation_input_tokens: 4, cache_read_input_tokens: 1 },
    { inputTokens: 5, cacheReadTokens: 1, cacheWriteTokens: 4 },
  ],
])("reads %s", (_, more, expected) => {
  expect(openaiFigures(usage(10, 5, more))).toMatchObject(expected);
});

it.each<[string, unknown]>([
  ["no usage", undefined],
  ["null", null],
  ["a text", "10"],
  ["a list", [10, 5]],
  ["nothing in it", {}],
  ["no completion", { prompt_tokens: 10, total_tokens: 15 }],
  ["no prompt", { completion_tokens: 5, total_tokens: 15 }],
  ["other names", { input_tokens: 10, output_tokens: 5 }],
  ["a total below its parts", usage(10, 5, { total_tokens: 14 })],
  ["a total of 0", usage(10, 5, { total_tokens: 0 })],
  ["more cached than prompt tokens", usage(10, 5, cached(11))],
  [
    "more read and written than prompt tokens",
    usage(10, 5, { ...cached(6), cache_creation_input_tokens: 5 }),
  ],
  [
    "hits and misses that are not all",
    usage(10, 5, { prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 4 }),
  ],
  ["misses alone", usage(10, 5, { prompt_cache_miss_tokens: 4 })],
  ["a negative count", usage(-1, 5)],
  ["negative reasoning", usage(10, 5, reasoning(-1))],
  ["half a token", usage(10.5, 5)],
  ["half a token in all", usage(10, 5, { total_tokens: 15.5 })],
  ["half a cached token", usage(10, 5, cached(1.5))],
  ["counts in words", usage("10", "5")],
  ["a total in words", usage(10, 5, { total_tokens: "15" })],
  ["reasoning in words", usage(10, 5, reasoning("20"))],
  ["more tokens than there can be", usage(10, 1e12)],
  ["a cost below nothing", usage(10, 5, { cost: -1, cost_details: {} })],
  ["a cost in words", usage(10, 5, { cost: "0.1", cost_details: {} })],
  ["a cost beyond all measure", usage(10, 5, { cost: 1e9, cost_details: {} })],
  ["an infinite total", usage(10, 5, { total_tokens: Number.POSITIVE_INFINITY })],
])("does not know what was billed with %s", (_, figures) => {
  expect(openaiFigures(figures)).toEqual({ unknown: expect.stringMatching(/^it/) });
});

it("never reads less than any of the known ways of counting would have billed", () => {
  for (let n = 0; n < 4_096; n++) {
    const [prompt, said, thought, hit] = [n & 7, (n >> 3) & 7, (n >> 6) & 7, (n >> 9) & 7];
    if (hit > prompt) continue;
    const inside = usage(prompt, said + thought, {
      total_tokens: prompt + said + thought,
      ...reasoning(thought),
      ...cached(hit),
    });
    const outside = usage(prompt, said, { total_tokens: prompt + said + thought, ...cached(hit) });
    const stated = { ...outside, ...reasoning(thought) };
    const totalLeftOut = { ...outside, total_tokens: undefined, ...reasoning(thought) };
    for (const figures of [inside, outside, stated, totalLeftOut]) {
      const read = openaiFigures(figures);
      const exact = { inputTokens: prompt - hit, cacheReadTokens: hit, outputTokens: said + thought };
      expect(read, JSON.stringify(figures)).toMatchObject(exact);
    }
  }
});
