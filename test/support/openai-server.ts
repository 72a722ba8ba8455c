import { type Dialect, type ModelServer, type StartOptions, startModelServer } from "./model-server.ts";
import { splitInThree } from "./split-in-three.ts";

/** OpenAI: POST /v1/chat/completions, not streamed; `prompt_tokens` includes the cached ones. */
const OPENAI: Dialect = {
  path: "/v1/chat/completions",
  contentType: "application/json",
  pieces: ({ model, text, usage, isTruncated }) =>
    splitInThree({
      id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
      object: "chat.completion",
      created: 1_795_255_200,
      model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: isTruncated ? "length" : "stop",
        },
      ],
      ...(usage === null
        ? {}
        : {
            usage: {
              prompt_tokens: usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
              completion_tokens: usage.outputTokens,
              total_tokens:
                usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + usage.outputTokens,
              prompt_tokens_details: {
                cached_tokens: usage.cacheReadTokens,
                audio_tokens: 0,
                ...(usage.cacheWriteTokens > 0 ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
              },
              completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
            },
          }),
      service_tier: "default",
    }),
  error: (status, message) =>
    JSON.stringify({
      error: {
        message,
        type: status >= 500 ? "server_error" : "invalid_request_error",
        param: null,
        code: null,
      },
    }),
  errorUnder200: (message) => JSON.stringify({ error: { message, code: 502 } }),
};

/** The address to configure is `url` with `/v1`. */
export function startOpenai(options?: StartOptions): Promise<ModelServer> {
  return startModelServer(OPENAI, options);
}
