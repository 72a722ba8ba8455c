import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, CallBody, CallRules } from "../protocol.ts";

type Said = CallBody["said"];

/** Far beyond what any model writes; more is a mistake, and as a cost would break the arithmetic. */
const COUNT_MAX = 100_000_000;
/** Generations of one request. */
const GENERATIONS_MAX = 10_000;

/**
 * A count that a body states; null where it states none. What is no count is refused on a priced model, since its provider may
 * read it as no limit at all, and counts as not stated on a free one (a local server takes -1 for "without end").
 * @throws Forbidden
 */
export function countIn(said: Said, key: string, model: Pick<AskedModel, "isFree">): number | null {
  const value = said[key] ?? null;
  if (value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= COUNT_MAX) return value;
  if (model.isFree) return null;
  const shown = (JSON.stringify(value) ?? "nothing").slice(0, 50);
  throw new Forbidden(
    key,
    `"${key}" is ${shown}, which bounds nothing, so the request was not sent; send a whole number from 1 to ${COUNT_MAX}, or leave it out.`,
  );
}

/** How many replies a request asks for: `best_of` are generated where `n` are given back. @throws Forbidden */
export function generationsIn(said: Said, model: Pick<AskedModel, "isFree">): number {
  const most = Math.max(countIn(said, "n", model) ?? 1, countIn(said, "best_of", model) ?? 1);
  if (most <= GENERATIONS_MAX || model.isFree) return most;
  throw new Forbidden(
    "n",
    `It asks for ${most} replies at once; ask for at most ${GENERATIONS_MAX}, or send several requests.`,
  );
}

/**
 * The most that OpenAI's older models write, which refuse a limit above it
 * (https://developers.openai.com/api/docs/models). Those of today write more than anybody injects.
 */
const OUTPUTS: readonly [models: RegExp, most: number][] = [
  [/^(ft:)?(gpt-3\.5|gpt-4(?![.\w])|gpt-4o-2024-05-13)/, 4096],
  [/^(ft:)?(gpt-4o|gpt-audio|gpt-5(\.\d)?-chat)/, 16_384],
  [/^computer-use-preview/, 1024],
];

/** The limit that is sent where a client sends none: small enough that the provider does not refuse the request for it. */
export function injectedLimit(inputTokens: number, model: AskedModel, rules: CallRules): number {
  const name = model.model.replace(/^.*\//, "");
  const most = OUTPUTS.find(([models]) => models.test(name))?.[1] ?? rules.maxOutputTokens;
  const limit = Math.min(rules.maxOutputTokens, most);
  const window = model.price.contextWindow;
  if (window === undefined) return limit;
  // Bytes are several times the tokens, so what they leave of the window is less than there is: a quarter is kept for the reply.
  return Math.max(1, Math.min(limit, Math.max(window - inputTokens, Math.floor(window / 4))));
}

/** The limit of a reply, and what has to be written into the body so that its server obeys it. */
export interface OutputLimit {
  tokens: number;
  pins: Record<string, number>;
}

/**
 * The limit of a chat's reply. Many servers ignore one of the two fields, so the one that its server obeys is written beside the
 * other. OpenAI itself refuses both at once, and obeys either.
 * @throws Forbidden
 */
export function chatLimit(said: Said, inputTokens: number, model: AskedModel, rules: CallRules): OutputLimit {
  const given = {
    max_tokens: countIn(said, "max_tokens", model),
    max_completion_tokens: countIn(said, "max_completion_tokens", model),
  };
  const isGiven = given.max_tokens !== null || given.max_completion_tokens !== null;
  const tokens = isGiven
    ? Math.max(given.max_tokens ?? 0, given.max_completion_tokens ?? 0)
    : injectedLimit(inputTokens, model, rules);
  if (model.isOriginal && isGiven) return { tokens, pins: {} };
  const obeyed = model.isOriginal ? "max_completion_tokens" : (model.tokenLimit ?? "max_tokens");
  // What a free model would take for no limit is overwritten, whichever field it is in.
  const fields = (["max_tokens", "max_completion_tokens"] as const).filter(
    (field) =>
      given[field] === null && (obeyed === field || obeyed === "both" || (said[field] ?? null) !== null),
  );
  return { tokens, pins: Object.fromEntries(fields.map((field) => [field, tokens])) };
}

/**
 * The limit of a response. ChatGPT's flat plans refuse one with 400, so there nothing is written: a call of a plan costs nothing
 * but tokens, of which one reply may then take more than was reserved.
 * @throws Forbidden
 */
export function responseLimit(
  said: Said,
  inputTokens: number,
  model: AskedModel,
  rules: CallRules,
): OutputLimit {
  const given = countIn(said, "max_output_tokens", model);
  if (given !== null) return { tokens: given, pins: {} };
  const tokens = injectedLimit(inputTokens, model, rules);
  if (model.server !== "chatgpt") return { tokens, pins: { max_output_tokens: tokens } };
  if (model.isFree) return { tokens, pins: {} };
  throw new Forbidden(
    "max_output_tokens",
    `${model.reference} takes no limit of a reply and has a price, so the request has no bound; ask the same model at api.openai.com.`,
  );
}

/** It refuses the field with 422, and sends its figures unasked (https://docs.mistral.ai/api). */
const COUNTS_UNASKED = ["mistral"];

/** What a call's figures are asked for with, where it is streamed; `hidesUsage` where the client did not ask for them itself. */
export function usagePins(
  said: Said,
  { server }: Pick<AskedModel, "server">,
): { pins: Record<string, unknown>; hidesUsage: boolean } {
  const options = isRecord(said.stream_options) ? said.stream_options : {};
  const isAsked = options.include_usage === true || COUNTS_UNASKED.includes(server ?? "");
  if (said.stream !== true || isAsked) return { pins: {}, hidesUsage: false };
  return { pins: { stream_options: { ...options, include_usage: true } }, hidesUsage: true };
}
