import { expect, it } from "vitest";
import { BadReference, parseReference } from "../../src/providers/registry.ts";
import { providerAt } from "./chain-config.ts";

const PROVIDERS = {
  ollama: providerAt("ollama", "http://localhost:11434"),
  openai: providerAt("openai", "https://api.openai.com/v1"),
  anthropic: providerAt("anthropic", "https://api.anthropic.com"),
  "my.server": providerAt("openai", "https://api.example.com/v1"),
};

it.each([
  ["ollama/qwen2.5:3b", "ollama", "qwen2.5:3b"],
  ["openai/gpt-4.1-mini", "openai", "gpt-4.1-mini"],
  ["anthropic/claude-haiku-4-5", "anthropic", "claude-haiku-4-5"],
  ["ollama/hf.co/org/model:Q4", "ollama", "hf.co/org/model:Q4"],
  ["my.server/x", "my.server", "x"],
])("reads %s", (reference, name, model) => {
  expect(parseReference(reference, PROVIDERS)).toMatchObject({ isOffline: false, name, model });
});

it("reads what needs no provider", () => {
  const found = parseReference("extractive", PROVIDERS);
  expect(found).toMatchObject({ isOffline: true, provider: { type: "extractive" } });
});

it.each([
  "",
  "qwen2.5:3b",
  "ollama",
  "ollama/",
  "/model",
  "google/gemini",
  "toString/x",
  "Ollama/x",
  "ollama/a b",
  "extractive/x",
])("refuses %j", (reference) => {
  expect(() => parseReference(reference, PROVIDERS)).toThrow(BadReference);
});

it("names the provider that is probably meant", () => {
  expect(() => parseReference("opnai/gpt-4.1", PROVIDERS)).toThrow(/did you mean openai\/gpt-4\.1\?/);
});
