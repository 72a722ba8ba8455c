import type { ModelsConfig } from "../../src/config/config.ts";

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
      ollama: { baseUrl: urls.ollama ?? NOWHERE, apiKey: null },
      openai: { baseUrl: urls.openai === undefined ? NOWHERE : `${urls.openai}/v1`, apiKey: "sk-test" },
      anthropic: { baseUrl: urls.anthropic ?? NOWHERE, apiKey: "sk-test" },
    },
    prices: PRICES,
    ...more,
  };
}
