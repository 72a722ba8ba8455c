import { onTestFinished } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { createAnthropic } from "../../src/providers/anthropic/anthropic.ts";
import { createOllama } from "../../src/providers/ollama/ollama.ts";
import { createOpenai } from "../../src/providers/openai/openai.ts";
import type { ModelRequest, Provider, ProviderReply } from "../../src/providers/types.ts";
import { CallFailed } from "../../src/rails/call.ts";

/** Not a key of anybody's; it must turn up in no message. */
export const API_KEY = "sk-test-9f8e7d6c5b4a";

export interface Harness {
  server: ModelEndpoint;
  provider: Provider;
}

interface Kind {
  name: string;
  model: string;
  create: (options: { baseUrl: string; apiKey: string | null }) => Provider;
  start: () => Promise<ModelEndpoint>;
  basePath: string;
}

export const KINDS: Kind[] = [
  {
    name: "ollama",
    model: "qwen2.5:3b",
    create: (options) => createOllama({ name: "ollama", settings: {}, ...options }),
    start: () => startModelEndpoint("ollama"),
    basePath: "",
  },
  {
    name: "openai",
    model: "gpt-4.1-mini",
    create: (options) => createOpenai({ name: "openai", settings: {}, ...options }),
    start: () => startModelEndpoint("openai"),
    basePath: "/v1",
  },
  {
    name: "anthropic",
    model: "claude-haiku-4-5",
    create: (options) => createAnthropic({ name: "anthropic", settings: {}, ...options }),
    start: () => startModelEndpoint("anthropic"),
    basePath: "",
  },
];

export const REQUEST: Required<ModelRequest> = {
  messages: [
    { role: "system", content: "You write short summaries." },
    { role: "user", content: "Summarise: Grüße aus Köln." },
  ],
  maxOutputTokens: 128,
  temperature: 0,
};

/** A server that goes away with the test, and a provider that talks to it. */
export async function harness(kind: Kind, behaviour?: Behaviour): Promise<Harness> {
  const server = await kind.start();
  onTestFinished(() => server.close());
  if (behaviour !== undefined) server.script([behaviour]);
  return { server, provider: kind.create({ baseUrl: server.url + kind.basePath, apiKey: API_KEY }) };
}

export function ask(
  provider: Provider,
  model: string,
  options: { signal?: AbortSignal; timeoutMs?: number; request?: Partial<ModelRequest> } = {},
): Promise<ProviderReply> {
  const body = provider.body(model, { ...REQUEST, ...options.request });
  return provider.send(model, body, {
    signal: options.signal ?? new AbortController().signal,
    timeoutMs: options.timeoutMs ?? 10_000,
    lastLook: async () => undefined,
  });
}

/** The failure of a call that must fail; anything that is not a CallFailed is a failure of the test. */
export async function failure(call: Promise<unknown>): Promise<CallFailed> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome) throw new Error(`the call went well: ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof CallFailed)) throw outcome.error;
  return outcome.error;
}
