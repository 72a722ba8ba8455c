import { expect, it } from "vitest";
import { responsesFigures } from "../../../src/providers/openai/usage.ts";
import { type Bill, code, isBilled, response, search } from "./bills.ts";

/** Prices as of chat completions; GPT-6 Astra $10/$50, a search $10, of files $2.50 a thousand, a container $0.03. */
const BILLS: Bill[] = [
  ["input and output", "openai/gpt-5.5", response(1_000, 500), 1_000 * 5 + 500 * 30],
  [
    "cached input",
    "openai/gpt-5.5",
    response(10_000, 500, { cached_tokens: 9_000 }),
    1_000 * 5 + 9_000 * 0.5 + 500 * 30,
  ],
  [
    "reasoning inside",
    "openai/gpt-5.5",
    responsesFigures({
      usage: {
        input_tokens: 1_000,
        output_tokens: 900,
        output_tokens_details: { reasoning_tokens: 850 },
        total_tokens: 1_900,
      },
    }),
    1_000 * 5 + 900 * 30,
  ],
  [
    "reasoning outside, at a server that speaks like it",
    "xai/grok-4.3",
    responsesFigures({
      usage: {
        input_tokens: 1_000,
        output_tokens: 100,
        output_tokens_details: { reasoning_tokens: 800 },
        total_tokens: 1_900,
      },
    }),
    1_000 * 1.25 + 900 * 2.5,
  ],
  [
    "cache writes",
    "openai/gpt-6-astra",
    response(20_000, 500, { cache_write_tokens: 12_000 }),
    8_000 * 10 + 12_000 * 12.5 + 500 * 50,
  ],
  [
    "cache writes of both kinds",
    "openai/gpt-6-astra",
    response(20_000, 500, {
      cached_tokens: 1_000,
      cache_write_tokens: 12_000,
      cache_write_tokens_details: { ttl_30m_tokens: 2_000, ttl_12h_tokens: 10_000 },
    }),
    7_000 * 10 + 1_000 * 1 + 2_000 * 12.5 + 10_000 * 25 + 500 * 50,
  ],
  [
    "beyond the step",
    "openai/gpt-5.5",
    response(280_000, 500, { cached_tokens: 200_000 }),
    80_000 * 10 + 200_000 * 1 + 500 * 45,
  ],
  [
    "priority",
    "openai/gpt-6-astra",
    response(1_000, 500, {}, { service_tier: "priority" }),
    2 * (1_000 * 10 + 500 * 50),
  ],
  [
    "flex, beyond the step",
    "openai/gpt-5.6-sol",
    response(300_000, 500, {}, { service_tier: "flex" }),
    300_000 * 4 + 500 * 15,
  ],
  [
    "searches in the output",
    "openai/gpt-5.5",
    response(
      5_000,
      500,
      {},
      {
        output: [
          search("search"),
          search("open_page"),
          { type: "message" },
          search("search"),
          search("find_in_page"),
        ],
      },
    ),
    5_000 * 5 + 500 * 30 + 2 * 10_000,
  ],
  [
    "searches that are billable",
    "openai/gpt-5.5",
    response(
      5_000,
      500,
      {},
      { output: [search("search"), search("search")], tool_usage: { web_search: { num_requests: 1 } } },
    ),
    5_000 * 5 + 500 * 30 + 10_000,
  ],
  [
    "searches that are not",
    "openai/gpt-5.5",
    response(5_000, 500, {}, { output: [search("search")], tool_usage: { web_search: { num_requests: 0 } } }),
    5_000 * 5 + 500 * 30,
  ],
  [
    "the older search",
    "openai/gpt-4.1",
    response(
      5_000,
      500,
      {},
      { tools: [{ type: "web_search_preview_2025_03_11" }], output: [search("search")] },
    ),
    5_000 * 2 + 500 * 8 + 25_000,
  ],
  [
    "searches of files",
    "openai/gpt-5.5",
    response(5_000, 500, {}, { output: [{ type: "file_search_call" }, { type: "file_search_call" }] }),
    5_000 * 5 + 500 * 30 + 2 * 2_500,
  ],
  [
    "code in one container, and in another",
    "openai/gpt-5.5",
    response(5_000, 500, {}, { output: [code("c1"), code("c1"), code("c2")] }),
    5_000 * 5 + 500 * 30 + 2 * 30_000,
  ],
  [
    "a search in the priority tier, which costs the same",
    "openai/gpt-5.5",
    response(5_000, 500, {}, { service_tier: "priority", output: [search("search")] }),
    2.5 * (5_000 * 5 + 500 * 30) + 10_000,
  ],
  [
    "tools of the client's own",
    "openai/gpt-5.5",
    response(
      5_000,
      500,
      {},
      {
        output: ["function", "custom_tool", "local_shell", "apply_patch", "tool_search", "mcp"].map(
          (tool) => ({ type: `${tool}_call` }),
        ),
      },
    ),
    5_000 * 5 + 500 * 30,
  ],
  [
    "a shell of the client's own",
    "openai/gpt-5.5",
    response(5_000, 500, {}, { output: [{ type: "shell_call", environment: { type: "local" } }] }),
    5_000 * 5 + 500 * 30,
  ],
];

it.each(BILLS)("bills %s of %s", (_, model, figures, micros) => {
  expect(isBilled(model, figures, micros)).toBe("exactly");
});
