import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Agent, openAgent } from "../agent.ts";
import { MICROS_PER_USD, usdFromMicros } from "../lib/money.ts";
import type { ModelRequest } from "../providers/types.ts";

/** The day's cap of the demonstration. */
export const CAP_MICROS = MICROS_PER_USD;
const MODEL = "openai/demo";
/** USD per million tokens, as a paid model of the middle class costs. */
const PRICE = { input: 3, output: 15 };
/** The same for the endpoint's bill. */
export const BILLED = { ...PRICE, cacheRead: PRICE.input, cacheWrite: PRICE.input };
/** Of each reply, whatever its text: a page would be too long to send for a demonstration. */
export const USAGE = { outputTokens: 400 };
const OUTPUT_TOKENS_MAX = 512;

/** The agent that runs away, in a state of its own below `dir`. Its model is at `endpointUrl`. */
export async function openDemoAgent(dir: string, endpointUrl: string): Promise<Agent> {
  const config = join(dir, "afk.yaml");
  const content = {
    agent: "demo",
    budget: { daily_cap_usd: usdFromMicros(CAP_MICROS) },
    models: {
      chain: [MODEL],
      max_output_tokens: OUTPUT_TOKENS_MAX,
      providers: { openai: { base_url: `${endpointUrl}/v1`, api_key: "none" } },
      prices: { [MODEL]: PRICE },
    },
    // The breaker would end a runaway too, and sooner; here it is the cap's turn.
    breaker: { calls_per_minute: 10_000, same_request_per_hour: 10_000 },
    dashboard: { enabled: false },
    jobs: [],
  };
  writeFileSync(config, JSON.stringify(content));
  // No setting of this host: its cap, switch and channels are the real agent's.
  return await openAgent({ config, state: join(dir, "state"), environment: {} });
}

/** The runaway's context, a little longer each time. */
export function longRequest(n: number): ModelRequest {
  const notes = "It is still not perfect; think about the whole of it once more. ".repeat(90 + n);
  return { messages: [{ role: "user", content: `Attempt ${n}. ${notes}` }] };
}
