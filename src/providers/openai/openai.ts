import { malformedFailure } from "../failures.ts";
import { endpoint, post } from "../http.ts";
import { isRecord, parseJson } from "../json.ts";
import type { Reply } from "../reply.ts";
import { answerless, textIn, usableReply } from "../reply-unusable.ts";
import { errorIn } from "../server-words.ts";
import type { Figures, Provider, ProviderOptions, ProviderReply } from "../types.ts";
import { isOpenaiItself } from "../unbilled.ts";
import { openaiFigures } from "./usage.ts";

/** Reasoning models answer 400 to any temperature but their own. */
const FIXED_TEMPERATURE = /^(o\d|gpt-([5-9]|\d\d))(?!.*chat)/;

/** What a reply calls the tier whose prices are the listed ones: OpenAI and Azure, Bedrock, Groq. */
const LISTED_TIERS = ["default", "standard", "on_demand"];

/**
 * OpenAI's POST /chat/completions (https://platform.openai.com/docs/api-reference/chat/create), at any base URL that speaks
 * it. OpenAI itself has replaced `max_tokens` by `max_completion_tokens`, which bounds reasoning too; others ignore that or
 * refuse it. They refuse `service_tier` as well, which at OpenAI would else be what the owner's project has set, at twice
 * the price.
 */
export function createOpenai(options: ProviderOptions): Provider {
  const headers: Record<string, string> =
    options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` };
  const to = endpoint("openai", "/chat/completions", options, headers);
  const isOpenai = isOpenaiItself(to.url);
  const limit = options.tokenLimit ?? (isOpenai ? "max_completion_tokens" : "max_tokens");
  return {
    name: "openai",
    body: (model, request) =>
      JSON.stringify({
        model,
        messages: request.messages,
        ...(limit === "max_tokens" ? {} : { max_completion_tokens: request.maxOutputTokens }),
        ...(limit === "max_completion_tokens" ? {} : { max_tokens: request.maxOutputTokens }),
        ...(FIXED_TEMPERATURE.test(model) ? {} : { temperature: request.temperature }),
        ...(isOpenai ? { service_tier: "default" } : {}),
        n: 1,
        stream: false,
      }),
    send: (body, call) => post(to, body, call, readReply),
  };
}

async function readReply(reply: Reply): Promise<ProviderReply> {
  const said = parseJson(await reply.text());
  if (!isRecord(said)) throw malformedFailure(reply.subject, "it is not a chat completion");
  // First, whatever becomes of the text: it was billed all the same.
  const figures = figuresOf(said);
  const [choice] = Array.isArray(said.choices) ? said.choices : [];
  if (errorIn(said) !== null || !isRecord(choice) || !isRecord(choice.message)) {
    throw answerless(reply.subject, said, figures, "it holds no message");
  }
  return usableReply(reply.subject, textIn(choice.message.content), figures, choice.finish_reason);
}

function figuresOf({ usage, service_tier: tier }: Record<string, unknown>): Figures {
  const isListed = tier === undefined || tier === null || LISTED_TIERS.includes(String(tier));
  if (isListed) return openaiFigures(usage);
  const unknown = `it was served in the tier "${String(tier).slice(0, 50)}", whose prices are not known`;
  return { unknown, hasOtherPrices: true };
}
