import * as v from "valibot";
import { malformedFailure, parseJson, providerErrorText, type Subject } from "./failures.ts";
import { endpoint, post } from "./http.ts";
import type { Reply } from "./reply.ts";
import { usableReply } from "./reply-unusable.ts";
import { tokenCount } from "./token-count.ts";
import type { Provider, ProviderReply, Usage } from "./types.ts";

const ChatCompletion = v.object({
  choices: v.tuple([
    v.object({ message: v.object({ content: v.nullish(v.string(), "") }), finish_reason: v.string() }),
  ]),
  usage: v.object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount,
    prompt_tokens_details: v.nullish(
      v.object({ cached_tokens: v.nullish(tokenCount, 0), cache_write_tokens: v.nullish(tokenCount, 0) }),
    ),
  }),
});

/** Reasoning models answer 400 to any temperature but their own. */
const FIXED_TEMPERATURE = /^(o\d|gpt-([5-9]|\d\d))(?!.*chat)/;

/**
 * OpenAI's POST /chat/completions (https://platform.openai.com/docs/api-reference/chat/create), at any base URL
 * that speaks it. `max_completion_tokens` bounds reasoning too; cached tokens are part of `prompt_tokens`.
 */
export function createOpenai(config: { baseUrl: string; apiKey: string | null }): Provider {
  const headers: Record<string, string> =
    config.apiKey === null ? {} : { authorization: `Bearer ${config.apiKey}` };
  const to = endpoint("openai", config.baseUrl, "/chat/completions", headers, config.apiKey);
  return {
    name: "openai",
    body: (model, request) =>
      JSON.stringify({
        model,
        messages: request.messages,
        max_completion_tokens: request.maxOutputTokens,
        ...(FIXED_TEMPERATURE.test(model) ? {} : { temperature: request.temperature }),
        n: 1,
        stream: false,
      }),
    send: (body, options) => post(to, body, options, readReply),
  };
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  const text = await reply.text();
  const parsed = v.safeParse(ChatCompletion, parseJson(text));
  if (!parsed.success) {
    const said = providerErrorText(text);
    const what = said === null ? "it is not a chat completion with usage" : `it reported an error: ${said}`;
    throw malformedFailure(reply.subject, what);
  }
  const [choice] = parsed.output.choices;
  const usage = usageOf(reply.subject, parsed.output.usage);
  return usableReply(reply.subject, choice.message.content, usage, endingOf(choice.finish_reason));
}

function usageOf(subject: Subject, usage: v.InferOutput<typeof ChatCompletion>["usage"]): Usage {
  const cacheReadTokens = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const cacheWriteTokens = usage.prompt_tokens_details?.cache_write_tokens ?? 0;
  const inputTokens = usage.prompt_tokens - cacheReadTokens - cacheWriteTokens;
  if (inputTokens < 0) throw malformedFailure(subject, "it counts more cached tokens than prompt tokens");
  return { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens: usage.completion_tokens };
}

function endingOf(reason: string): string {
  if (reason === "stop") return "complete";
  return reason === "length" ? "truncated" : reason;
}
