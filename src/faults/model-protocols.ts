import type { Usage } from "../providers/types.ts";

/** A model's reply before a protocol puts it into its own fields. `usage` null leaves the figures out. */
interface ModelReply {
  model: string;
  text: string;
  usage: Usage | null;
  isTruncated: boolean;
}

/** How a provider words its answers, as its real server does. */
export interface Protocol {
  path: string;
  /** Where it describes a model, which costs nothing. */
  showPath?: string;
  contentType: string;
  /** The parts that the server writes one at a time; those of a JSON document are not JSON by themselves. */
  pieces(reply: ModelReply): string[];
  error(status: number, message: string): string;
  /** The body of an error that is sent with status 200. */
  errorUnder200(message: string): string;
}

/** POST /api/chat, one JSON object a line, counts that are 0 left out. https://docs.ollama.com/api/chat */
const ollama: Protocol = {
  path: "/api/chat",
  showPath: "/api/show",
  contentType: "application/x-ndjson",
  pieces({ model, text, usage, isTruncated }) {
    const head = { model, created_at: "2026-11-21T10:00:00.000000Z" };
    const words = text.split(/(?<= )/).filter((word) => word !== "");
    const parts = words.map((content) => ({ ...head, message: { role: "assistant", content }, done: false }));
    const last = {
      ...head,
      message: { role: "assistant", content: "" },
      done: true,
      done_reason: isTruncated ? "length" : "stop",
      total_duration: 4_935_886_791,
      ...(usage?.inputTokens ? { prompt_eval_count: usage.inputTokens } : {}),
      ...(usage?.outputTokens ? { eval_count: usage.outputTokens } : {}),
    };
    return [...parts, last].map((line) => `${JSON.stringify(line)}\n`);
  },
  error: (_status, message) => JSON.stringify({ error: message }),
  errorUnder200: (message) => `${JSON.stringify({ error: message })}\n`,
};

/** POST /v1/chat/completions, not streamed; `prompt_tokens` includes the cached ones. */
const openai: Protocol = {
  path: "/v1/chat/completions",
  contentType: "application/json",
  pieces({ model, text, usage, isTruncated }) {
    const message = { role: "assistant", content: text, refusal: null, annotations: [] };
    return splitInThree({
      id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
      object: "chat.completion",
      created: 1_795_255_200,
      model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: isTruncated ? "length" : "stop" }],
      ...(usage === null ? {} : { usage: openaiUsage(usage) }),
      service_tier: "default",
    });
  },
  error(status, message) {
    const type = status >= 500 ? "server_error" : "invalid_request_error";
    return JSON.stringify({ error: { message, type, param: null, code: null } });
  },
  errorUnder200: (message) => JSON.stringify({ error: { message, code: 502 } }),
};

/** POST /v1/messages, not streamed; `input_tokens` leaves the cached ones out. */
const anthropic: Protocol = {
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
      ...(usage === null ? {} : { usage: anthropicUsage(usage) }),
    }),
  error(status, message) {
    const error = { type: status >= 500 ? "api_error" : "invalid_request_error", message };
    return JSON.stringify({ type: "error", error, request_id: "req_011CSHoEeqs5C35K2UUqR7Fy" });
  },
  errorUnder200: (message) => JSON.stringify({ type: "error", error: { type: "overloaded_error", message } }),
};

/** The protocols that model endpoints speak here, by the name of the provider that defines them. */
export const PROTOCOLS = { ollama, openai, anthropic } as const;

/** A protocol, by the provider that defines it. */
export type ProtocolName = keyof typeof PROTOCOLS;

function openaiUsage({ inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }: Usage): object {
  const prompt = inputTokens + cacheReadTokens + cacheWriteTokens;
  const written = cacheWriteTokens > 0 ? { cache_write_tokens: cacheWriteTokens } : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadTokens, audio_tokens: 0, ...written },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function anthropicUsage(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: usage.outputTokens,
    service_tier: "standard",
  };
}

function splitInThree(document: unknown): string[] {
  const text = JSON.stringify(document);
  const third = Math.ceil(text.length / 3);
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)];
}
