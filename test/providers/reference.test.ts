import { expect, it } from "vitest";
import { BadReference, parseReference } from "../../src/providers/reference.ts";

it.each([
  ["ollama/qwen2.5:3b", "ollama", "qwen2.5:3b"],
  ["openai/gpt-4.1-mini", "openai", "gpt-4.1-mini"],
  ["anthropic/claude-haiku-4-5", "anthropic", "claude-haiku-4-5"],
  ["ollama/hf.co/org/model:Q4", "ollama", "hf.co/org/model:Q4"],
  ["extractive", "extractive", null],
])("reads %s", (reference, provider, model) => {
  expect(parseReference(reference)).toEqual({ provider, model });
});

it.each([
  "",
  "qwen2.5:3b",
  "ollama",
  "ollama/",
  "/model",
  "google/gemini",
  "Ollama/x",
  "ollama/a b",
  "extractive/x",
])("refuses %j", (reference) => {
  expect(() => parseReference(reference)).toThrow(BadReference);
});
