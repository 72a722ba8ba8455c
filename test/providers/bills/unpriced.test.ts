import { expect, it } from "vitest";
import { responsesFigures } from "../../../src/providers/openai/usage.ts";
import type { Figures } from "../../../src/providers/types.ts";
import { chat, claude, code, costOf, pass, response, search } from "./bills.ts";

it.each<[string, string, Figures]>([
  [
    "a tier that Anthropic sells by contract",
    "anthropic/claude-opus-5",
    claude(10, 5, { service_tier: "priority" }),
  ],
  ["a speed that the model does not have", "anthropic/claude-sonnet-4-6", claude(10, 5, { speed: "fast" })],
  ["a speed in a batch", "anthropic/claude-opus-5", claude(10, 5, { speed: "fast", service_tier: "batch" })],
  ["a tier of tomorrow", "anthropic/claude-opus-5", claude(10, 5, { service_tier: "lightning" })],
  ["a region of tomorrow", "anthropic/claude-opus-5", claude(10, 5, { inference_geo: "eu" })],
  [
    "a tool of tomorrow",
    "anthropic/claude-opus-5",
    claude(10, 5, { server_tool_use: { code_execution_requests: 1 } }),
  ],
  [
    "an advisor whose price is not known",
    "anthropic/claude-opus-5",
    claude(10, 5, { iterations: [pass("advisor_message", 10, 5, { model: "claude-99" })] }),
  ],
  ["a pass of tomorrow", "anthropic/claude-opus-5", claude(10, 5, { iterations: [pass("debate", 10, 5)] })],
  [
    "a fallback that took something else than was counted",
    "anthropic/claude-opus-5",
    claude(10, 5, { iterations: [pass("fallback_message", 11, 5, { model: "claude-sonnet-4-6" })] }),
  ],
  ["a tier that the model does not have", "openai/gpt-5-nano", chat(10, 5, {}, { service_tier: "priority" })],
  ["a tier that is sold by contract", "openai/gpt-5.5", chat(10, 5, {}, { service_tier: "scale" })],
  ["a tier that is no word", "openai/gpt-5.5", chat(10, 5, {}, { service_tier: { name: "default" } })],
  [
    "a tier with the name of an object's own",
    "openai/gpt-5.5",
    chat(10, 5, {}, { service_tier: "constructor" }),
  ],
  ["audio that was heard", "openai/gpt-5.5", chat(10, 5, { prompt_tokens_details: { audio_tokens: 1 } })],
  ["audio that was made", "openai/gpt-5.5", chat(10, 5, { completion_tokens_details: { audio_tokens: 1 } })],
  ["sources that xAI searched", "xai/grok-4.3", chat(10, 5, { num_sources_used: 2 })],
  [
    "searches of a bridge",
    "openrouter/anthropic/claude-sonnet-4.6",
    chat(10, 5, { server_tool_use: { web_search_requests: 2 } }),
  ],
  [
    "a picture that was made",
    "openai/gpt-5.5",
    response(10, 5, {}, { output: [{ type: "image_generation_call" }] }),
  ],
  [
    "a shell at the provider",
    "openai/gpt-5.5",
    response(10, 5, {}, { output: [{ type: "shell_call", environment: { type: "container_reference" } }] }),
  ],
  ["a tool of tomorrow", "openai/gpt-5.5", response(10, 5, {}, { output: [{ type: "telepathy_call" }] })],
  [
    "code in a container of more memory",
    "openai/gpt-5.5",
    response(
      10,
      5,
      {},
      {
        tools: [{ type: "code_interpreter", container: { type: "auto", memory_limit: "4g" } }],
        output: [code("c1")],
      },
    ),
  ],
  [
    "searches in the output, beside a count of none",
    "openrouter/anthropic/claude-sonnet-4.6",
    responsesFigures({
      usage: { input_tokens: 10, output_tokens: 5, server_tool_use: { web_search_requests: 0 } },
      output: [search("search")],
    }),
  ],
  [
    "searches that are no count",
    "openai/gpt-5.5",
    response(10, 5, {}, { tool_usage: { web_search: { num_requests: -1 } } }),
  ],
  [
    "a tool with the name of an object's own",
    "openai/gpt-5.5",
    response(10, 5, {}, { output: [{ type: "constructor_call" }] }),
  ],
])("does not guess what %s of %s costs", (_, model, figures) => {
  expect(costOf(model, figures)).toEqual({
    unknown: expect.stringMatching(/^(it|its) /),
    hasOtherPrices: true,
  });
});
