import type { ModelsConfig } from "../../../src/config/config.ts";
import type { ModelRequest } from "../../../src/providers/types.ts";

export const ASK: ModelRequest = { messages: [{ role: "user", content: "Summarise: the harbour is open." }] };

const PRICE = { input: 10, output: 40 };
/** One that answers in time does so at once, also on a machine that is busy with other things. */
const TIMEOUT_MS = 20_000;

/** One model that costs money behind one server, whatever its provider; `PROVIDER/other` is priced too. */
export function pricedChain(reference: string, url: string, timeoutMs = TIMEOUT_MS): ModelsConfig {
  const [provider = ""] = reference.split("/");
  return {
    chain: [reference],
    onCap: "halt",
    maxOutputTokens: 100,
    timeoutMs,
    providers: {
      ollama: { baseUrl: url, apiKey: null },
      openai: { baseUrl: `${url}/v1`, apiKey: "sk-test" },
      anthropic: { baseUrl: url, apiKey: "sk-test" },
    },
    prices: { [`${provider}/test`]: PRICE, [`${provider}/other`]: PRICE },
  };
}
