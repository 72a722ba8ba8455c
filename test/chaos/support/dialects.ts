/** USD per million tokens, which is micro-dollars per token. */
export const PRICE = { input: 3, output: 7, cacheRead: 0.5 };

/** What one request took by the provider's own books. */
export interface Took {
  /** Input tokens, of which `cached` were read from its cache. */
  prompt: number;
  cached: number;
  /** Output tokens, `reasoning` and `said`. */
  reasoning: number;
  said: number;
}

export interface Answer {
  status: number;
  body: unknown;
  billMicros: number;
  /** The connection is cut in the middle of the body. */
  isCut?: boolean;
}

/** How one provider that speaks OpenAI's API takes, bills and answers a request. */
export interface Dialect {
  name: string;
  /** What the owner writes besides address and key. */
  settings: { token_limit?: string };
  /** It may bill more than the request could have been bounded to: at other prices, or outside of any limit. */
  mayExceed: boolean;
  answer(request: Record<string, unknown>, took: Omit<Took, "reasoning" | "said">, chance: Chance): Answer;
}

export interface Chance {
  of<T>(values: readonly T[]): T;
  upTo(most: number): number;
}

/** What a server generates that was given no limit it knows. */
const UNLIMITED = 20_000;
const TEXT = "The harbour is open. Ships may enter.";

const bill = ({ prompt, cached, reasoning, said }: Took) =>
  (prompt - cached) * PRICE.input + cached * PRICE.cacheRead + (reasoning + said) * PRICE.output;

const message = (content: unknown, more: object = {}) => ({ role: "assistant", content, ...more });
const completion = (choice: object, usage: unknown, more: object = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "test",
  choices: [{ index: 0, ...choice }],
  usage,
  ...more,
});
const error = (text: string) => ({ error: { message: text, type: "invalid_request_error", code: null } });
const inside = ({ prompt, reasoning, said }: Took) => ({
  prompt_tokens: prompt,
  completion_tokens: reasoning + said,
  total_tokens: prompt + reasoning + said,
});
const limitOf = (limit: unknown) => (typeof limit === "number" ? limit : UNLIMITED);
/** As many tokens as may be, of which some are reasoning. */
const split = (limit: unknown, chance: Chance) => {
  const all = 1 + chance.upTo(limitOf(limit) - 1);
  const reasoning = chance.upTo(all - 1);
  return { reasoning, said: all - reasoning };
};

/** Reasoning inside `completion_tokens`; a project whose default is the priority tier is billed double. */
const openai: Dialect = {
  name: "OpenAI",
  mayExceed: true,
  settings: { token_limit: "max_completion_tokens" },
  answer(request, input, chance) {
    if ("max_tokens" in request)
      return { status: 400, body: error("Unsupported parameter: 'max_tokens'"), billMicros: 0 };
    const took = { ...input, ...split(request.max_completion_tokens, chance) };
    const tier = request.service_tier ?? chance.of(["default", "default", "priority"]);
    const usage = {
      ...inside(took),
      prompt_tokens_details: { cached_tokens: took.cached, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: took.reasoning, rejected_prediction_tokens: 0 },
    };
    const choice = {
      message: message(TEXT, { refusal: null }),
      finish_reason: chance.of(["stop", "length"]),
    };
    const billMicros = bill(took) * (tier === "priority" ? 2 : 1);
    return { status: 200, body: completion(choice, usage, { service_tier: tier }), billMicros };
  },
};

/** Reasoning outside `completion_tokens`, within no limit; only the total has it. */
const xai: Dialect = {
  name: "xAI",
  mayExceed: true,
  settings: {},
  answer(request, input, chance) {
    const limit = limitOf(request.max_tokens ?? request.max_completion_tokens);
    const said = 1 + chance.upTo(limit - 1);
    // Rarely more than what the bound of the whole reply leaves.
    const reasoning = chance.upTo(10) === 0 ? 40 * limit : chance.upTo(limit - said);
    const took = { ...input, said, reasoning };
    const usage = {
      prompt_tokens: took.prompt,
      completion_tokens: said,
      total_tokens: took.prompt + said + reasoning,
      prompt_tokens_details: { text_tokens: took.prompt, cached_tokens: took.cached },
      ...(chance.of([true, false]) ? { completion_tokens_details: { reasoning_tokens: reasoning } } : {}),
      num_sources_used: 0,
    };
    const choice = { message: message(TEXT, { reasoning_content: "Hm." }), finish_reason: "stop" };
    return { status: 200, body: completion(choice, usage), billMicros: bill(took) };
  },
};

/** Knows `max_tokens` alone; counts its cache in words of its own. */
const deepseek: Dialect = {
  name: "DeepSeek",
  mayExceed: false,
  settings: {},
  answer(request, input, chance) {
    const took = { ...input, ...split(request.max_tokens, chance) };
    const usage = {
      ...inside(took),
      prompt_cache_hit_tokens: took.cached,
      prompt_cache_miss_tokens: took.prompt - took.cached,
      completion_tokens_details: { reasoning_tokens: took.reasoning },
    };
    const finish_reason = chance.of(["stop", "stop", "insufficient_system_resource"]);
    const choice = { message: message(TEXT, { reasoning_content: "Hm." }), finish_reason };
    return { status: 200, body: completion(choice, usage), billMicros: bill(took) };
  },
};

/** Refuses a field that it does not know, and answers in parts. */
const mistral: Dialect = {
  name: "Mistral",
  mayExceed: false,
  settings: {},
  answer(request, input, chance) {
    const known = ["model", "messages", "max_tokens", "temperature", "n", "stream", "top_p", "stop"];
    const unknown = Object.keys(request).filter((key) => !known.includes(key));
    if (unknown.length > 0) {
      const detail = unknown.map((key) => ({
        type: "extra_forbidden",
        loc: ["body", key],
        msg: "Extra inputs are not permitted",
      }));
      return { status: 422, body: { object: "error", message: { detail } }, billMicros: 0 };
    }
    const took = { ...input, ...split(request.max_tokens, chance) };
    const parts = [
      { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
      { type: "text", text: TEXT },
    ];
    const choice = {
      message: message(chance.of([parts, TEXT]), { tool_calls: null }),
      finish_reason: chance.of(["stop", "length", "model_length", "error"]),
    };
    const usage = { ...inside(took), prompt_tokens_details: { cached_tokens: took.cached } };
    return { status: 200, body: completion(choice, usage), billMicros: bill(took) };
  },
};

/** Reasoning in the text, endings of its own, and now and then no usage at all. */
const vllm: Dialect = {
  name: "vLLM",
  mayExceed: false,
  settings: {},
  answer(request, input, chance) {
    const took = { ...input, cached: 0, ...split(request.max_tokens, chance) };
    const finish_reason = chance.of(["stop", null, undefined, "eos", "end_turn", "abort"]);
    const text = chance.of([TEXT, `<think>Hm.</think>\n${TEXT}`, `Hm.</think>${TEXT}`, "<think>Hm."]);
    const usage = chance.of([
      { ...inside(took), prompt_tokens_details: null },
      { ...inside(took), prompt_tokens_details: null },
      null,
      { ...inside(took), total_tokens: 0 },
    ]);
    return {
      status: 200,
      body: completion({ message: message(text), finish_reason }, usage),
      billMicros: bill(took),
    };
  },
};

/** Bills what its content filter refuses, and what it breaks off. */
const azure: Dialect = {
  name: "Azure",
  mayExceed: false,
  settings: {},
  answer(request, input, chance) {
    const took = {
      ...input,
      cached: 0,
      ...split(request.max_tokens ?? request.max_completion_tokens, chance),
    };
    const billMicros = bill(took);
    const status =
      chance.upTo(20) === 0 ? 429 : chance.of([200, 200, 200, 200, 400, 408, 422, 500, 503, 504]);
    if (status === 429) return { status, body: error("Rate limit is exceeded."), billMicros: 0 };
    if (status !== 200) return { status, body: error("The response was filtered."), billMicros };
    const finish_reason = chance.of(["stop", "stop", "content_filter"]);
    const body = completion(
      { message: message(TEXT), finish_reason, content_filter_results: {} },
      inside(took),
      { prompt_filter_results: [] },
    );
    return { status, body, billMicros, isCut: chance.upTo(5) === 0 };
  },
};

export const DIALECTS: readonly Dialect[] = [openai, xai, deepseek, mistral, vllm, azure];
