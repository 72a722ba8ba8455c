import * as v from "valibot";
import { malformedFailure, parseJson, providerErrorText } from "./failures.ts";
import { endpoint, post } from "./http.ts";
import type { Reply } from "./reply.ts";
import { usableReply } from "./reply-unusable.ts";
import { tokenCount } from "./token-count.ts";
import type { ModelRequest, Provider, ProviderReply, Usage } from "./types.ts";

const MessageReply = v.object({
  content: v.array(v.object({ type: v.string(), text: v.optional(v.string()) })),
  stop_reason: v.string(),
  usage: v.object({
    input_tokens: tokenCount,
    cache_creation_input_tokens: v.nullish(tokenCount, 0),
    cache_read_input_tokens: v.nullish(tokenCount, 0),
    output_tokens: tokenCount,
  }),
});

const API_VERSION = "2023-06-01";

/** The models that take a temperature; Claude 4.7 and everything after it answer 400 to one. */
const TAKES_TEMPERATURE = /^claude-(3-|(opus|sonnet|haiku)-4(-[0-6])?(-\d{8})?$)/;

/**
 * Anthropic's POST /v1/messages (https://platform.claude.com/docs/en/api/messages). Its `input_tokens` leaves
 * out what was read from or written to the cache; system messages travel apart from the conversation.
 */
export function createAnthropic(config: { baseUrl: string; apiKey: string | null }): Provider {
  const headers: Record<string, string> = { "anthropic-version": API_VERSION };
  if (config.apiKey !== null) headers["x-api-key"] = config.apiKey;
  // The address is written with and without the version; both mean the same.
  const baseUrl = config.baseUrl.replace(/\/v1\/*$/, "");
  const to = endpoint("anthropic", baseUrl, "/v1/messages", headers, config.apiKey);
  return {
    name: "anthropic",
    body: serialise,
    send: (body, options) => post(to, body, options, readReply),
  };
}

function serialise(model: string, request: Required<ModelRequest>): string {
  const system = request.messages.filter((message) => message.role === "system");
  return JSON.stringify({
    model,
    max_tokens: request.maxOutputTokens,
    ...(TAKES_TEMPERATURE.test(model) ? { temperature: request.temperature } : {}),
    ...(system.length === 0 ? {} : { system: system.map((message) => message.content).join("\n\n") }),
    messages: request.messages.filter((message) => message.role !== "system"),
    stream: false,
  });
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  const text = await reply.text();
  const parsed = v.safeParse(MessageReply, parseJson(text));
  if (!parsed.success) {
    const said = providerErrorText(text);
    const what = said === null ? "it is not a message with usage" : `it reported an error: ${said}`;
    throw malformedFailure(reply.subject, what);
  }
  const { content, stop_reason, usage } = parsed.output;
  const answer = content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join("");
  const counts: Usage = {
    inputTokens: usage.input_tokens,
    cacheReadTokens: usage.cache_read_input_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens,
    outputTokens: usage.output_tokens,
  };
  return usableReply(reply.subject, answer, counts, endingOf(stop_reason));
}

function endingOf(reason: string): string {
  if (reason === "end_turn" || reason === "stop_sequence") return "complete";
  return reason === "max_tokens" ? "truncated" : reason;
}
