import { hiddenTokensMax, type WorstCase, worstMicros } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import type { Price } from "../../../providers/types.ts";
import { Forbidden, requireExactInside, requireExactKeys } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { requestTokensMax } from "../request-tokens.ts";
import { type Content, listOf, readContent } from "./content.ts";
import { imageTokensMax } from "./images.ts";
import { KNOWN_KEYS } from "./known.ts";
import {
  cacheWritesOf,
  isCompacted,
  regionOf,
  requireTier,
  type Terms,
  thinkingTokens,
  tierOf,
  wholeNumber,
  windowOf,
} from "./terms.ts";
import { readTools, type ToolWork } from "./tools.ts";

/** A request as it was read. */
interface Read {
  body: CallBody;
  content: Content;
  work: ToolWork;
  terms: Terms;
}

/** What one model takes at most, at its own price. */
interface Case {
  /** The part of its output that a smaller `max_tokens` would make smaller. */
  limitedTokens: number;
  worst: WorstCase;
  price: Price;
}

type Said = CallBody["said"];

/** The most tokens of a summary of the conversation, to which the limit of the reply may not apply. */
const SUMMARY_TOKENS = 32_000;
/** Around the form that a reply is to have, in tokens. */
const TOKENS_FOR_FORMAT = 1_024;
/** Each is bounded by itself, which takes time. */
const FALLBACKS_MAX = 10;

/**
 * The most that POST /v1/messages can take: the bytes of its text, its pictures by their size, the model's context window for
 * whatever has no size here, times the rounds that tools at the provider may add.
 * @throws Forbidden for what has no bound on a model that costs money, or is not allowed.
 */
export function boundMessages(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  requireExactKeys(said, KNOWN_KEYS);
  const stated = wholeNumber(said.max_tokens, "max_tokens");
  // Anthropic writes nothing then; to others it may be no limit at all.
  const asked = stated === 0 && !model.isOriginal ? null : stated;
  const limit = asked ?? rules.maxOutputTokens;
  const pins: Record<string, unknown> = asked === null ? { max_tokens: limit } : {};
  if (model.isFree) return freeBound(body, limit, pins);
  if (!model.isOriginal) requireExactInside(said);
  const content = readContent(said);
  const work = readTools(said, content, rules);
  if (work.pinned !== null) pins.tools = work.pinned;
  const tier = tierOf(body, model, rules, pins);
  // Thinking between uses of tools may take more than the limit of the reply.
  const outputTokens = Math.max(limit, thinkingTokens(said.thinking));
  // What a thread holds may be written to the cache again as it was before.
  const cacheWrites = isRecord(said.thread) ? "any" : cacheWritesOf(content, model, tier);
  const terms = { cacheWrites, tier, isRegional: regionOf(said) };
  const read = { body, content, work, terms };
  const others = fallbacks(said, model, limit);
  const cases = [
    modelCase(read, {
      name: model.model,
      price: model.price,
      outputTokens,
      isLimited: outputTokens === limit,
    }),
    ...others.map((fallback) => modelCase(read, fallback)),
    ...advisorCases(read, model),
  ];
  const longest = Math.max(...others.map((other) => other.outputTokens));
  const own = longest > outputTokens ? { replyTokensMax: longest } : {};
  return { ...sumOf(cases), outputTokensMax: outputTokens, ...own, pins, hidesUsage: false };
}

function freeBound(body: CallBody, limit: number, pins: Record<string, unknown>): Bound {
  const inputTokens = requestTokensMax(body, listOf(body.said.messages).length);
  const estimateTokens = inputTokens + limit;
  return {
    estimateMicros: 0,
    estimateTokens,
    outputTokensMax: limit,
    outputMicros: 0,
    pins,
    hidesUsage: false,
  };
}

/** A model that may answer: with how much at most, and whether that is what the request's limit says. */
interface Answering {
  name: string;
  price: Price;
  outputTokens: number;
  isLimited: boolean;
}

/** All runs of one model that answers. */
function modelCase(read: Read, { name, price, outputTokens, isLimited }: Answering): Case {
  const { body, content, work, terms } = read;
  const { said } = body;
  const rounds = 1 + work.rounds;
  // Each is a run of its own before a round.
  const summaries = isCompacted(said) ? rounds : 0;
  const held = isRecord(said.thread) && said.thread.type !== "create" ? "thread" : content.unsized;
  const unsized = held ?? (work.isOutside ? "tools" : null);
  const window = windowOf(price, body, name);
  if (unsized !== null && window === null) throw unsizedPart(unsized, name);
  // What it has written so far is read again in each further round.
  const sized = sizedTokens(read, name) + (rounds - 1 + summaries) * outputTokens;
  const worst = {
    ...terms,
    inputTokens: unsized === null ? Math.min(sized, window ?? sized) : (window ?? sized),
    outputTokens: rounds * outputTokens + summaries * Math.max(outputTokens, SUMMARY_TOKENS),
    passes: rounds + summaries,
    tools: Object.fromEntries(Object.entries(work.uses).filter(([tool]) => isPriced(tool, price, name))),
  };
  return { price, worst, limitedTokens: isLimited ? rounds * outputTokens : 0 };
}

/** The provider explains the form to the model, in words of its own. */
function hasFormat({ output_format, output_config }: Said): boolean {
  const format = isRecord(output_config) ? output_config.format : undefined;
  return (output_format ?? format ?? null) !== null;
}

/** What has a size: text by its bytes, pictures by their measures. */
function sizedTokens({ body, content: { images }, work }: Read, name: string): number {
  let tokens = requestTokensMax(body, listOf(body.said.messages).length) + work.addedTokens;
  tokens += hiddenTokensMax(name) + (hasFormat(body.said) ? TOKENS_FOR_FORMAT : 0);
  for (const image of images) tokens += imageTokensMax(name, image) - (image?.length ?? 0);
  return tokens;
}

/** Other models that answer where the first one declines; a limit of their own does not follow that of the request. */
function fallbacks(
  { fallbacks: listed, speed, thinking }: Said,
  model: AskedModel,
  limit: number,
): Answering[] {
  if (typeof listed === "string") {
    throw new Forbidden(
      "fallbacks",
      `fallbacks: "${listed.slice(0, 30)}" leaves it to the provider which models answer, so the request has no bound and was not ` +
        "sent. Name the models.",
    );
  }
  const entries = listOf(listed);
  if (entries.length > FALLBACKS_MAX) {
    throw new Forbidden(
      "fallbacks",
      `fallbacks: there are ${entries.length}. Name at most ${FALLBACKS_MAX}.`,
    );
  }
  return entries.map((entry, index) => {
    const param = `fallbacks[${index}]`;
    const said = isRecord(entry) ? entry : {};
    const own = wholeNumber(said.max_tokens, `${param}.max_tokens`);
    const outputTokens = Math.max(own ?? limit, thinkingTokens(said.thinking ?? thinking));
    const { name, price } = otherModel(said.model, `${param}.model`, model);
    if (said.speed !== undefined && said.speed !== null && said.speed !== "standard") {
      throw new Forbidden(`${param}.speed`, `${param}.speed has no bound that afk knows. Leave it out.`);
    }
    if (speed === "fast") requireTier("fast", price, `${param}.model`);
    return { name, price, outputTokens, isLimited: own === null && outputTokens === limit };
  });
}

function advisorCases({ body, work, terms }: Read, model: AskedModel): Case[] {
  return work.advisors.map(({ param, model: named, uses, outputTokens }) => {
    const { name, price } = otherModel(named, param, model);
    const window = windowOf(price, body, name);
    if (window === null) throw unsizedPart(param, name);
    requireTier(terms.tier, price, param);
    const runs = { inputTokens: window, outputTokens: uses * outputTokens, passes: uses };
    return { price, worst: { ...terms, ...runs, cacheWrites: "any", tools: {} }, limitedTokens: 0 };
  });
}

function sumOf(cases: readonly Case[]): Pick<Bound, "estimateMicros" | "estimateTokens" | "outputMicros"> {
  const sum = { estimateMicros: 0, estimateTokens: 0, outputMicros: 0 };
  for (const { worst, price, limitedTokens } of cases) {
    const { micros, outputMicros } = worstMicros(worst, price);
    sum.estimateMicros += micros;
    if (limitedTokens > 0) sum.outputMicros += Math.ceil((outputMicros * limitedTokens) / worst.outputTokens);
    sum.estimateTokens += worst.passes * worst.inputTokens + worst.outputTokens;
  }
  return sum;
}

function otherModel(named: unknown, param: string, model: AskedModel): { name: string; price: Price } {
  if (typeof named === "string" && named !== model.model && model.mayUse?.(named) === false)
    throw new Forbidden(
      param,
      `${param}: the model ${named.slice(0, 100)} is not for this client, so the request was not sent. Name another model, or ` +
        "let the owner add it to the client's models in afk.yaml.",
    );
  const price =
    typeof named === "string" ? (named === model.model ? model.price : model.priceOf(named)) : null;
  if (typeof named === "string" && price !== null) return { name: named, price };
  throw new Forbidden(
    param,
    `${param}: the price of ${typeof named === "string" ? named.slice(0, 100) : "that model"} is not known, so the request has no ` +
      "bound and was not sent. Name another model, or let the owner state its price in afk.yaml under models.prices.",
  );
}

/** A search has a price, and cannot be bounded without one; the others cost nothing unless one is stated. */
function isPriced(tool: string, { tools = {} }: Price, name: string): boolean {
  if (Object.hasOwn(tools, tool)) return true;
  if (tool !== "web_search") return false;
  throw new Forbidden(
    "tools",
    `tools: the price of a web search of ${name} is not known, so it has no bound. Leave the tool out.`,
  );
}

function unsizedPart(param: string, name: string): Forbidden {
  return new Forbidden(
    param,
    `${param}: its size is not known before it is read, nor is the context window of ${name}, so the request has no bound and was ` +
      "not sent. Send the content as text.",
  );
}
