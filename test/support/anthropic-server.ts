import { type Dialect, type ModelServer, type StartOptions, startModelServer } from "./model-server.ts";
import { splitInThree } from "./split-in-three.ts";

/** Anthropic: POST /v1/messages, not streamed; `input_tokens` leaves the cached ones out. */
const ANTHROPIC: Dialect = {
  path: "/v1/messages",
  contentType: "application/json",
  pieces: ({ model, text, usage, isTruncated }) =>
    splitInThree({
      id: "msg_01XFDUDYJgAACzvnptvVoYEL",
      type: "message",
      role: "assistant",
      model,
      content: text === "" ? [] : [{ type: "text", text }],
      stop_reason: isTruncated ? "max_tokens" : "end_turn",
      stop_sequence: null,
      ...(usage === null
        ? {}
        : {
            usage: {
              input_tokens: usage.inputTokens,
              cache_creation_input_tokens: usage.cacheWriteTokens,
              cache_read_input_tokens: usage.cacheReadTokens,
              output_tokens: usage.outputTokens,
              service_tier: "standard",
            },
          }),
    }),
  error: (status, message) =>
    JSON.stringify({
      type: "error",
      error: { type: status >= 500 ? "api_error" : "invalid_request_error", message },
      request_id: "req_011CSHoEeqs5C35K2UUqR7Fy",
    }),
  errorUnder200: (message) => JSON.stringify({ type: "error", error: { type: "overloaded_error", message } }),
};

export function startAnthropic(options?: StartOptions): Promise<ModelServer> {
  return startModelServer(ANTHROPIC, options);
}
