import type { ModelsConfig } from "../../../src/config/config.ts";
import type { ModelRequest } from "../../../src/providers/types.ts";
import { providerAt } from "../../providers/chain-config.ts";

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
      ollama: providerAt("ollama", url, null),
      openai: providerAt("openai", `${url}/v1`),
      anthropic: providerAt("anthropic", url),
    },
    prices: { [`${provider}/test`]: PRICE, [`${provider}/other`]: PRICE },
  };
}
