import { type FreeErrors, malformedFailure, OWN_ERRORS } from "../failures.ts";
import { endpoint, post } from "../http.ts";
import { answeredBy } from "../other-model.ts";
import type { Reply } from "../reply.ts";
import { errorIn, isRecord, parseJson } from "../reply-json.ts";
import { answerless, textIn, usableReply } from "../reply-unusable.ts";
import type { ModelRequest, Provider, ProviderOptions, ProviderReply, ProviderType } from "../types.ts";
import { anthropicFigures } from "./usage.ts";

const API_VERSION = "2023-06-01";

/** The models that take a temperature; Claude 4.7 and everything after it answer 400 to one. */
const TAKES_TEMPERATURE = /^claude-(3-|(opus|sonnet|haiku)-4(-[0-6])?(-\d{8})?$)/;

const BASE_URL = "https://api.anthropic.com";

/** It bills what was generated (https://platform.claude.com/docs/en/api/errors); other hosts that speak like it say nothing. */
export const freeErrorsAt = (url: URL): FreeErrors | null => (isAnthropicItself(url) ? OWN_ERRORS : null);

/** Servers that speak Anthropic's protocol. */
export const anthropic: ProviderType = {
  isOffline: false,
  type: "anthropic",
  known: { anthropic: { baseUrl: BASE_URL, keyVariable: "ANTHROPIC_API_KEY" } },
  settings: {},
  isSerial: false,
  prices: {
    // What is kept in the cache for five minutes, and for an hour, costs so much more than input
    // (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
    listedWriteFactor: 1.25,
    statedWriteFactor: 1.25,
    write1hFactor: 2,
    // Where the owner's workspace keeps inference in one region (https://platform.claude.com/docs/en/build-with-claude/data-residency).
    regionalFactor: 1.1,
    listedAs: (name, { baseUrl }) =>
      name === "anthropic" || isAnthropicItself(new URL(baseUrl)) ? "anthropic" : null,
  },
  create: createAnthropic,
  relay: {
    credentials: (apiKey) => (apiKey === null ? {} : { "x-api-key": apiKey }),
    freeErrorsAt,
    isOriginal: isAnthropicItself,
  },
};

/**
 * POST /v1/messages (https://platform.claude.com/docs/en/api/messages). System messages travel apart from the conversation.
 */
export function createAnthropic(options: ProviderOptions): Provider {
  const headers: Record<string, string> = { "anthropic-version": API_VERSION };
  if (options.apiKey !== null) headers["x-api-key"] = options.apiKey;
  // The address is written with and without the version; both mean the same.
  const baseUrl = options.baseUrl.replace(/\/v1\/*$/, "");
  const freeErrors = freeErrorsAt(new URL(baseUrl));
  const to = endpoint("/v1/messages", { ...options, baseUrl }, headers, { freeErrors });
  return {
    body: (model, request) => serialise(model, request, isAnthropicItself(to.url)),
    send: (model, body, call) => post(to, model, body, call, readReply),
  };
}

/** Its own API, not a server that speaks like it, nor one whose name begins or ends like its. */
function isAnthropicItself(url: URL): boolean {
  return url.protocol === "https:" && url.host === new URL(BASE_URL).host;
}

function serialise(model: string, request: Required<ModelRequest>, isAnthropic: boolean): string {
  const system = request.messages.filter((message) => message.role === "system");
  return JSON.stringify({
    model,
    max_tokens: request.maxOutputTokens,
    ...(TAKES_TEMPERATURE.test(model) ? { temperature: request.temperature } : {}),
    ...(system.length === 0 ? {} : { system: system.map((message) => message.content).join("\n\n") }),
    messages: request.messages.filter((message) => message.role !== "system"),
    // Anthropic itself would else serve it in the priority tier where the owner has one.
    ...(isAnthropic ? { service_tier: "standard_only" } : {}),
    stream: false,
  });
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  const said = parseJson(await reply.text());
  if (!isRecord(said)) throw malformedFailure(reply.subject, "it is not a message");
  // First, whatever becomes of the text: it was billed all the same.
  const figures = answeredBy(anthropicFigures(said.usage), said.model, reply.subject.model);
  if (errorIn(said) !== null || said.content === undefined || said.content === null) {
    throw answerless(reply.subject, said, figures, "it holds no content");
  }
  return usableReply(reply.subject, textIn(said.content), figures, said.stop_reason);
}
