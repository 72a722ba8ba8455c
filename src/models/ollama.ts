import * as v from "valibot";
import { errorTextIn, malformedFailure, parseJson, type Subject } from "./failures.ts";
import { endpoint, post } from "./http.ts";
import type { Reply } from "./reply.ts";
import { usableReply } from "./reply-unusable.ts";
import { tokenCount } from "./token-count.ts";
import type { ModelRequest, Provider, ProviderReply, Usage } from "./types.ts";

const Line = v.object({
  message: v.optional(v.object({ content: v.optional(v.string()) })),
  done: v.boolean(),
  done_reason: v.optional(v.string()),
  prompt_eval_count: v.optional(tokenCount),
  eval_count: v.optional(tokenCount),
});

const CONTEXT_TOKENS_MIN = 4_096;
const CONTEXT_TOKENS_MAX = 32_768;

/**
 * Ollama's POST /api/chat (https://docs.ollama.com/api/chat), always streamed: a slow model that sends nothing
 * until it is done looks like a dead one. Errors may come under HTTP 200, as a line of the stream, and counts
 * that are 0 are left out.
 */
export function createOllama(config: { baseUrl: string; apiKey: string | null }): Provider {
  const headers: Record<string, string> =
    config.apiKey === null ? {} : { authorization: `Bearer ${config.apiKey}` };
  const to = endpoint("ollama", config.baseUrl, "/api/chat", headers, config.apiKey);
  return {
    name: "ollama",
    body: (model, request) =>
      JSON.stringify({
        model,
        messages: request.messages,
        stream: true,
        options: {
          num_ctx: contextTokens(request),
          // Without it the reply has no limit.
          num_predict: request.maxOutputTokens,
          temperature: request.temperature,
        },
      }),
    send: (body, options) => post(to, body, options, readReply),
  };
}

/**
 * Room for the request and its reply, since Ollama cuts a longer prompt without a word. Two bytes a token is
 * generous for every script. In powers of two, because another size makes Ollama load the model again.
 */
function contextTokens(request: Required<ModelRequest>): number {
  let needed = request.maxOutputTokens;
  for (const { content } of request.messages) needed += 16 + Math.ceil(Buffer.byteLength(content) / 2);
  let size = CONTEXT_TOKENS_MIN;
  while (size < needed && size < CONTEXT_TOKENS_MAX) size *= 2;
  return size;
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  let text = "";
  const whole = await reply.lines((line) => {
    const part = parseLine(reply.subject, line);
    text += part.message?.content ?? "";
    if (!part.done) return undefined;
    const usage: Usage = {
      inputTokens: part.prompt_eval_count ?? 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: part.eval_count ?? 0,
    };
    return usableReply(reply.subject, text, usage, endingOf(part.done_reason ?? "stop"));
  });
  if (whole === undefined) throw malformedFailure(reply.subject, "its stream ended before it was done");
  return whole;
}

function parseLine(subject: Subject, line: string): v.InferOutput<typeof Line> {
  const said = parseJson(line);
  const error = errorTextIn(said);
  if (error !== null) throw malformedFailure(subject, `it reported an error: ${error}`);
  const parsed = v.safeParse(Line, said);
  if (parsed.success) return parsed.output;
  throw malformedFailure(subject, "a line of its stream is not what Ollama sends");
}

function endingOf(reason: string): string {
  if (reason === "stop") return "complete";
  return reason === "length" ? "truncated" : reason;
}
