import { Forbidden } from "../../../../src/gateway/protocols/forbidden.ts";
import { openai } from "../../../../src/gateway/protocols/openai/openai.ts";
import type {
  AskedModel,
  Bound,
  CallRoute,
  CallRules,
  RequestHead,
} from "../../../../src/gateway/protocols/protocol.ts";

/** Micro-dollars are easy to read off: input 1, output 10 for each token. */
export const PRICED: AskedModel = {
  reference: "openai/gpt-5.5",
  model: "gpt-5.5",
  providerType: "openai",
  isOriginal: true,
  server: "openai",
  tokenLimit: "max_completion_tokens",
  price: { input: 1, output: 10, cacheRead: 1, cacheWrite: 1, contextWindow: 100_000 },
  isFree: false,
  priceOf: () => null,
};

/** Another server that speaks the protocol. */
export const COMPATIBLE: AskedModel = {
  ...PRICED,
  reference: "vllm/llama",
  model: "llama",
  isOriginal: false,
  server: null,
  tokenLimit: "max_tokens",
};

export const FREE: AskedModel = {
  ...COMPATIBLE,
  providerType: "ollama",
  price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  isFree: true,
};

export const RULES: CallRules = { maxOutputTokens: 1000, allow: new Set() };

/** The call route at a path, without its /v1. */
export function route(path: string): CallRoute {
  const found = openai.routes.find((each) => each.path === `/v1/${path}`);
  if (found?.type !== "call") throw new Error(`no call route ${path}`);
  return found;
}

/** The bound of a body, which is sent as JSON.stringify writes it. */
export function bound(
  path: string,
  said: Record<string, unknown>,
  model: AskedModel = PRICED,
  allow: string[] = [],
): Bound {
  const body = { headers: {}, text: JSON.stringify(said), said };
  return route(path).bound(body, model, { ...RULES, allow: new Set(allow) });
}

/** A request as it arrives. */
export function head(path: string, headers: Record<string, string> = {}): RequestHead {
  return { method: "POST", path: `/v1/${path}`, headers };
}

/** The field that is refused; null where nothing is. */
export function refused(...asked: Parameters<typeof bound>): string | null {
  try {
    bound(...asked);
    return null;
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    if (!/^.{30,400}[.]$/s.test(error.message)) throw new Error(`no sentence: ${error.message}`);
    return error.param;
  }
}

/** Input tokens of all passes. */
export function inputOf(...asked: Parameters<typeof bound>): number {
  const { estimateTokens, outputTokensMax } = bound(...asked);
  return estimateTokens - outputTokensMax;
}

export const WINDOW = 100_000;

/** A chat without a limit, one with it, and a response. */
export const hello = { model: "gpt-5.5", messages: [{ role: "user", content: "hello" }] };
export const asking = (more: object) => ({ ...hello, max_completion_tokens: 50, ...more });
export const responding = (more: object) => ({
  model: "gpt-5.5",
  input: "hello",
  max_output_tokens: 50,
  ...more,
});
