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
  cacheWriteTokens: number;
  /** Reasoning tokens included, as they are billed. */
  outputTokens: number;
}

/** What `model.complete` gives its caller. `model` is the reference that answered. */
export interface Completion {
  text: string;
  usage: Usage;
  model: string;
  costMicros: number;
  /** True when the first model of the chain did not answer and another one did. */
  degraded: boolean;
}

/** USD per million tokens. Cache prices default to the input price where a provider states none. */
export interface Price {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

/** What a provider makes of one call. */
export interface ProviderReply {
  text: string;
  usage: Usage;
}

/**
 * A thin client of one model behind one provider. It makes exactly one HTTP request per `complete`:
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
