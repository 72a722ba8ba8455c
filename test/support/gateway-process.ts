import type { ModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { Deployment, Running } from "./afk.ts";

/** Of the client `laptop`. */
const KEY = "a-key-of-the-laptop-that-nobody-guesses";

/** An afk.yaml with a gateway at a free port, in front of a scripted provider. `gateway` changes its own section. */
export function gatewayConfig(provider: ModelEndpoint, gateway: Record<string, unknown> = {}) {
  return {
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: {
      chain: ["extractive"],
      providers: { openai: { base_url: `${provider.url}/v1`, api_key: "sk-of-the-owner-0123456789" } },
      prices: { "openai/test": { input: 1, output: 1 } },
    },
    gateway: {
      listen: "127.0.0.1:0",
      models: { small: "openai/test" },
      clients: [{ name: "laptop", key: KEY }],
      ...gateway,
    },
  };
}

/** A process that serves, once it does, and where. Whoever starts it ends it. */
export async function startGateway(
  target: Deployment,
  words = ["gateway"],
  environment: Record<string, string> = {},
): Promise<{ running: Running; url: string }> {
  const running = target.start(words, environment);
  await running.logged("gateway_started");
  const line = target.logs().findLast(({ event }) => event === "gateway_started");
  return { running, url: String(line?.url) };
}

/** Asks for one completion, as the laptop unless another key is given. */
export function ask(url: string, { stream = false, key = KEY, text = "hi" } = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "small",
      stream,
      max_tokens: 50,
      messages: [{ role: "user", content: text }],
    }),
  });
}
