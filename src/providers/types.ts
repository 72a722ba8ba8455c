import type { ProviderConfig } from "../config/config.ts";

/** A conversation to complete: text only, so that what a call can cost has a bound. */
export interface ModelRequest {
  messages: Message[];
  /** Bound on the reply, in tokens; the configuration's `max_output_tokens` unless smaller. */
  maxOutputTokens?: number;
  /** 0 unless stated: the same request should give the same reply. */
  temperature?: number;
}

export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

/** The provider's own figures, in tokens. `input` excludes the cached parts. */
export interface Usage {
  inputTokens: number;
  cacheReadTokens: number;
  /** Written to the cache for minutes; what is written for an hour has a price of its own. */
  cacheWriteTokens: number;
  cacheWrite1hTokens?: number;
  /** Reasoning tokens included, as they are billed. */
  outputTokens: number;
  /** The provider kept it in one region, which has a price of its own. */
  isRegional?: true;
}

/** What `model.complete` gives its caller. `model` is the reference that answered. */
export interface Completion {
  text: string;
  usage: Usage;
  model: string;
  costMicros: number;
  /** True when the first model of the chain did not answer and another one did. */
  degraded: boolean;
  /** True when the reply was cut off at its bound, and `text` is what it has in whole sentences. */
  truncated?: boolean;
}

/** USD per million tokens. */
export interface Price {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** What is written for an hour; `cacheWrite` where that is left out. */
  cacheWrite1h?: number;
  /** What all of these are multiplied by for a call that is kept in one region; 1 where that is left out. */
  regionalFactor?: number;
}

/** What the provider says a call took, or why its cost cannot be known; `hasOtherPrices`: not at the listed prices. */
export type Figures = Usage | { unknown: string; hasOtherPrices?: true };

/** What a provider makes of one call. */
export interface ProviderReply {
  text: string;
  usage: Figures;
  truncated?: boolean;
}

/** What a provider is made of. What is optional is about the one model that it is asked for. */
export interface ProviderOptions extends ProviderConfig {
  /** The price is 0. */
  isFree?: boolean;
  /** It is taken for free because it seems to run on a machine of the owner's, and nobody has stated a price. */
  isAssumedLocal?: boolean;
}

/**
 * A thin client of one model behind one provider. It makes exactly one request for a completion per `send`:
 * no retry, no redirect. It is given the very body whose bytes the estimate was made from.
 */
export interface Provider {
  /** `ollama`, `openai`, `anthropic`. */
  name: string;
  /** The serialised request body that `send` puts on the wire. */
  body(model: string, request: Required<ModelRequest>): string;
  /** Throws `CallFailed` (rails/call.ts), which says what the failed call may have cost. */
  send(
    body: string,
    options: { signal: AbortSignal; timeoutMs: number; lastLook: () => Promise<void> },
  ): Promise<ProviderReply>;
}
