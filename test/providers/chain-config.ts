import type { ModelsConfig } from "../../src/config/config.ts";
import type { ProviderConfig } from "../../src/providers/types.ts";

/** Prices of the tests' own models, in USD per million tokens. */
export const PRICES = {
  "openai/test": { input: 1, output: 4 },
  "anthropic/test": { input: 2, output: 10 },
};

const NOWHERE = "http://127.0.0.1:1";

/** A chain over servers on 127.0.0.1; the address of one that is left out refuses connections. */
export function chainConfig(
  chain: string[],
  urls: Partial<Record<"ollama" | "openai" | "anthropic", string>>,
  more: Partial<ModelsConfig> = {},
): ModelsConfig {
  return {
    chain,
    onCap: "halt",
    maxOutputTokens: 100,
    timeoutMs: 20_000,
    providers: {
      ollama: providerAt("ollama", urls.ollama ?? NOWHERE, null),
      openai: providerAt("openai", urls.openai === undefined ? NOWHERE : `${urls.openai}/v1`),
      anthropic: providerAt("anthropic", urls.anthropic ?? NOWHERE),
    },
    prices: PRICES,
    ...more,
  };
}

/** A provider of this type as the configuration has it. */
export function providerAt(type: string, baseUrl: string, apiKey: string | null = "sk-test"): ProviderConfig {
  return { type, baseUrl, apiKey, settings: {} };
}
