import { expect, it } from "vitest";
import { openai } from "../../../src/providers/openai/openai.ts";

const OPENAI = "https://api.openai.com/v1";
const NEAR = "http://127.0.0.1:8080/v1";

it.each([
  ["openai", OPENAI, {}, "openai", true, "max_completion_tokens"],
  ["mine", OPENAI, {}, "openai", true, "max_completion_tokens"],
  ["openai", NEAR, {}, null, false, "max_tokens"],
  ["xai", NEAR, {}, "xai", false, "max_completion_tokens"],
  ["mine", "https://openrouter.ai/api/v1", {}, "openrouter", false, "max_tokens"],
  ["mine", NEAR, { token_limit: "both" }, null, false, "both"],
  ["plan", "https://chatgpt.com/backend-api/codex", {}, "chatgpt", false, "max_tokens"],
  ["mine", "https://api.openai.com.example.com/v1", {}, null, false, "max_tokens"],
  ["constructor", NEAR, {}, null, false, "max_tokens"],
])(
  "a provider called %s at %s (%j) is the server %s",
  (name, baseUrl, settings, server, isOriginal, tokenLimit) => {
    expect(openai.serverOf?.({ name, baseUrl, settings })).toEqual({ server, isOriginal, tokenLimit });
  },
);
