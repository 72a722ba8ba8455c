import * as v from "valibot";
import { oneLine } from "../../lib/text.ts";
import { malformedFailure } from "../failures.ts";
import { bearer, endpoint, post } from "../http.ts";
import { answeredBy } from "../other-model.ts";
import type { Reply } from "../reply.ts";
import { errorIn, isRecord, parseJson } from "../reply-json.ts";
import { completionOfStream } from "../reply-stream.ts";
import { answerless, textIn, usableReply } from "../reply-unusable.ts";
import type {
  KnownServerFacts,
  Price,
  Provider,
  ProviderOptions,
  ProviderReply,
  ProviderType,
  TokenLimit,
} from "../types.ts";
import { freeErrorsAt, KNOWN_SERVERS, knownAt, TOKEN_LIMITS } from "./known.ts";
import { openaiFigures } from "./usage.ts";

/** Reasoning models answer 400 to any temperature but their own. */
const FIXED_TEMPERATURE = /^(o\d|gpt-([5-9]|\d\d))(?!.*chat)/;

/** OpenAI's addresses that keep what they process in one region, and what newer models cost more there. */
const REGIONAL_ADDRESS = /^(?!api\.)[\w-]+\.api\.openai\.com$/;
const REGIONAL_FACTOR = 1.1;

/** Serves the flat plans of ChatGPT: it speaks like OpenAI's own, but takes no limit of a reply. */
const PLAN_HOST = "chatgpt.com";

/** Where owners have an address of their own. */
const AZURE_HOST = /^[\w-]+\.(openai|services\.ai|cognitiveservices)\.azure\.com$/;

interface Settings {
  token_limit?: TokenLimit | undefined;
}

/** Servers that speak OpenAI's protocol. */
export const openai: ProviderType = {
  isOffline: false,
  type: "openai",
  known: KNOWN_SERVERS,
  settings: {
    token_limit: v.optional(
      v.pipe(
        v.picklist(TOKEN_LIMITS),
        v.description(
          "Field that bounds the reply. Unless stated it is the one that a known address wants (docs/models.md), and max_tokens at every other.",
        ),
      ),
    ),
  },
  isSerial: false,
  prices: {
    statedWriteFactor: 1.25,
    addressFactor: (url) => (REGIONAL_ADDRESS.test(url.hostname) ? REGIONAL_FACTOR : 1),
    // By its name first: what stands before a known server has its prices.
    listedAs: (name, { baseUrl }) =>
      Object.hasOwn(KNOWN_SERVERS, name) ? name : (knownAt(new URL(baseUrl))?.name ?? null),
  },
  create: createOpenai,
  serverOf,
  relay: {
    credentials: bearer,
    freeErrorsAt,
    isOriginal: isOpenaiItself,
  },
};

/**
 * POST /chat/completions (https://platform.openai.com/docs/api-reference/chat/create), at any base URL that speaks it. Most
 * servers ignore or refuse `max_completion_tokens`. They refuse `service_tier` as well, which at OpenAI would else be what the
 * owner's project has set, at twice the price.
 */
export function createOpenai(options: ProviderOptions): Provider {
  const freeErrors = freeErrorsAt(new URL(options.baseUrl));
  const to = endpoint("/chat/completions", options, bearer(options.apiKey), { freeErrors });
  const { isOriginal, tokenLimit: limit } = serverOf(options);
  const isOpenrouter = knownAt(to.url)?.name === "openrouter";
  const bound = isOpenrouter && options.price ? priceBound(options.price) : {};
  return {
    body: (model, request) =>
      JSON.stringify({
        model,
        messages: request.messages,
        ...(limit === "max_tokens" ? {} : { max_completion_tokens: request.maxOutputTokens }),
        ...(limit === "max_completion_tokens" ? {} : { max_tokens: request.maxOutputTokens }),
        ...(FIXED_TEMPERATURE.test(model) ? {} : { temperature: request.temperature }),
        ...(isOriginal ? { service_tier: "default" } : {}),
        ...bound,
        n: 1,
        stream: false,
      }),
    send: (model, body, call) => post(to, model, body, call, readReply),
  };
}

/** Its own API, in all regions or in one: there a project may have a dearer tier than the listed one. */
function isOpenaiItself(url: URL): boolean {
  return knownAt(url)?.name === "openai" || (url.protocol === "https:" && REGIONAL_ADDRESS.test(url.host));
}

function serverOf({
  name,
  baseUrl,
  settings,
}: Pick<ProviderOptions, "name" | "baseUrl" | "settings">): KnownServerFacts {
  const known = knownAt(new URL(baseUrl));
  const isOriginal = isOpenaiItself(new URL(baseUrl));
  const { token_limit } = settings as Settings;
  // By its name too: a known server may be asked through another address. Under the name openai anything may answer.
  const named = name !== "openai" && Object.hasOwn(KNOWN_SERVERS, name) ? name : null;
  const server = named ?? known?.name ?? unlistedServer(new URL(baseUrl));
  const limit = named === null ? known?.server.tokenLimit : KNOWN_SERVERS[named]?.tokenLimit;
  return {
    server,
    isOriginal,
    tokenLimit: token_limit ?? limit ?? (isOriginal ? "max_completion_tokens" : "max_tokens"),
  };
}

/** Servers that have no one address for everybody, or that nobody is sold a key for. */
function unlistedServer(url: URL): string | null {
  if (url.host === PLAN_HOST) return "chatgpt";
  return url.protocol === "https:" && AZURE_HOST.test(url.host) ? "azure" : null;
}

/** OpenRouter may ask a dearer server of the same model, unless it is told not to (known.json has the source). */
function priceBound({ input, output }: Price) {
  return { provider: { max_price: { prompt: input, completion: output } } };
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  const body = await reply.text();
  // Some send comments of a stream to keep the connection, and then no stream.
  const said = parseJson(body.replace(/^(?:\s*:[^\n]*\n)+/, "")) ?? completionOfStream(body);
  if (!isRecord(said)) throw malformedFailure(reply.subject, "it is not a chat completion");
  // First, whatever becomes of the text: it was billed all the same.
  const figures = answeredBy(openaiFigures(said), said.model, reply.subject.model);
  const [choice] = Array.isArray(said.choices) ? said.choices : [];
  const message = isRecord(choice) ? messageIn(choice) : null;
  if (errorIn(said) !== null || !isRecord(choice) || message === null) {
    throw answerless(reply.subject, said, figures, "it holds no message");
  }
  const text = textIn(message.content);
  return usableReply(reply.subject, text, figures, choice.finish_reason, insteadOfText(message));
}

/** Some servers answer in the form of their streams, or of the older completions. */
function messageIn({ message, delta, text }: Record<string, unknown>): Record<string, unknown> | null {
  if (isRecord(message)) return message;
  if (isRecord(delta)) return delta;
  return typeof text === "string" ? { content: text } : null;
}

/** What a message without text says in other fields. */
function insteadOfText(message: Record<string, unknown>): string | null {
  const { refusal, tool_calls, function_call, reasoning_content, reasoning } = message;
  const isText = (value: unknown) => typeof value === "string" && value.trim() !== "";
  if (isText(refusal)) return `it refused: ${oneLine(String(refusal), 200)}`;
  if ((Array.isArray(tool_calls) && tool_calls.length > 0) || isRecord(function_call))
    return "it called a tool that nobody offered";
  return [reasoning_content, reasoning].some(isText) ? "all of it is reasoning" : null;
}
