import * as v from "valibot";
import { isOwnHost } from "../../http/address.ts";
import { malformedFailure, type Subject } from "../failures.ts";
import { bearer, endpoint, post } from "../http.ts";
import { remoteFailure, remoteHostIn } from "../remote-host.ts";
import type { Reply } from "../reply.ts";
import { countIn, errorIn, isRecord, parseJson } from "../reply-json.ts";
import { usableReply } from "../reply-unusable.ts";
import type {
  Figures,
  ModelRequest,
  Provider,
  ProviderOptions,
  ProviderReply,
  ProviderType,
} from "../types.ts";
import { createFacts, requireLocal } from "./facts.ts";
import { probeOllama } from "./probe.ts";

const Line = v.looseObject({
  message: v.nullish(v.object({ content: v.nullish(v.string()), thinking: v.nullish(v.string()) })),
  done: v.boolean(),
  done_reason: v.nullish(v.string()),
});

const CONTEXT_TOKENS_MIN = 4_096;
const CONTEXT_TOKENS_MAX = 32_768;

/** Ollama runs models whose tag ends so on its own servers, for money. */
const CLOUD = /[:-]cloud$/i;

/** Servers that speak Ollama's protocol. */
export const ollama: ProviderType = {
  isOffline: false,
  type: "ollama",
  known: { ollama: { baseUrl: "http://localhost:11434", keyVariable: null } },
  settings: {},
  isSerial: true,
  prices: {
    statedWriteFactor: 1,
    freeOfCharge(model, { baseUrl }) {
      if (CLOUD.test(model)) return null;
      const url = new URL(baseUrl);
      return isOwnHost(url) ? "free" : { unless: `${url.host} is no machine of your own network` };
    },
    listedAs: () => null,
  },
  create: createOllama,
  relay: {
    credentials: bearer,
    freeErrorsAt: () => null,
    // It ignores `max_completion_tokens`, and has no tiers (https://docs.ollama.com/api/openai-compatibility).
    isOriginal: () => false,
    check(options) {
      const facts = createFacts(endpoint("/api/show", options, bearer(options.apiKey)));
      return async (model, call) => {
        requireLocal(`${options.name}/${model}`, await facts.of(model, call));
      };
    },
  },
  probe: probeOllama,
};

/**
 * Ollama's POST /api/chat (https://docs.ollama.com/api/chat), always streamed: a slow model that sends nothing
 * until it is done looks like a dead one. Errors may come under HTTP 200, as a line of the stream, and counts
 * that are 0 are left out. A model that reasons would spend the bound of the reply on it, so it is asked not to.
 */
export function createOllama(options: ProviderOptions): Provider {
  const headers = bearer(options.apiKey);
  const missingModelAdvice = (model: string) => `Run \`ollama pull ${model}\`.`;
  const to = endpoint("/api/chat", options, headers, { missingModelAdvice });
  const facts = createFacts(endpoint("/api/show", options, headers));
  const isAssumedLocal = options.isAssumedLocal === true;
  return {
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
    async send(model, body, call) {
      const known = await facts.of(model, call);
      if (isAssumedLocal) requireLocal(`${options.name}/${model}`, known);
      try {
        const sent = known.hasThinking ? withoutThinking(body) : body;
        const reading = { isAssumedLocal, onReasoning: () => facts.hasReasoned(model) };
        return await post(to, model, sent, call, (reply) => readReply(reply, reading));
      } catch (error) {
        facts.forget(model);
        throw error;
      }
    },
  };
}

/** The field is no part of the prompt, and shorter than what the estimate allows for around the messages. */
function withoutThinking(body: string): string {
  return body.replace("{", '{"think":false,');
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

async function readReply(
  reply: Reply,
  { isAssumedLocal, onReasoning }: { isAssumedLocal: boolean; onReasoning: () => void },
): Promise<ProviderReply> {
  let text = "";
  const whole = await reply.lines((line) => {
    const part = parseLine(reply.subject, line);
    text += part.message?.content ?? "";
    if (part.message?.thinking) onReasoning();
    if (!part.done) return undefined;
    const remoteHost = remoteHostIn(part);
    if (isAssumedLocal && remoteHost !== null) {
      throw remoteFailure(`${reply.subject.provider}/${reply.subject.model}`, remoteHost, "unknown");
    }
    return usableReply(reply.subject, text, figuresOf(part), part.done_reason);
  });
  if (whole === undefined) throw malformedFailure(reply.subject, "its stream ended before it was done");
  return whole;
}

function figuresOf(part: Record<string, unknown>): Figures {
  const inputTokens = countIn(part.prompt_eval_count ?? 0);
  const outputTokens = countIn(part.eval_count ?? 0);
  if (inputTokens === null || outputTokens === null) return { unknown: "its counts of tokens are none" };
  return { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
}

function parseLine(subject: Subject, line: string): v.InferOutput<typeof Line> {
  const said = parseJson(line);
  const error = isRecord(said) ? errorIn(said) : null;
  if (error !== null) throw malformedFailure(subject, `it reported an error: ${error}`);
  const parsed = v.safeParse(Line, said);
  if (parsed.success) return parsed.output;
  throw malformedFailure(subject, "a line of its stream is not what Ollama sends");
}
