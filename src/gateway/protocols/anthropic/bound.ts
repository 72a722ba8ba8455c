import { tierFactor, type WorstCase, worstMicros } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import type { Price } from "../../../providers/types.ts";
import { requireExactKeys } from "../exact-keys.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { requestTokensMax } from "../request-tokens.ts";
import { type Content, listOf, readContent } from "./content.ts";
import { imageTokensMax } from "./images.ts";
import { isAllKnown, KNOWN_KEYS } from "./known.ts";
import { wholeNumber } from "./numbers.ts";
import { readTools, type ToolWork } from "./tools.ts";

/** What a model that is asked by the way (a fallback, an advisor) takes at most, at its own price. */
interface Case {
  worst: WorstCase;
  price: Price;
}

type Said = CallBody["said"];

/**
 * The most that POST /v1/messages can take: the bytes of its text, its pictures by their size, the model's context window for
 * whatever has no size here, times the rounds that tools at the provider may add.
 * @throws Forbidden for what has no bound on a model that costs money, or is not allowed.
 */
export function boundMessages(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  requireExactKeys(said, KNOWN_KEYS);
  const asked = wholeNumber(said.max_tokens, "max_tokens");
  const limit = asked ?? rules.maxOutputTokens;
  const pins: Record<string, unknown> = asked === null ? { max_tokens: limit } : {};
  if (model.isFree) return freeBound(body, limit, pins);
  const content = readContent(said);
  const work = readTools(said, content, rules);
  if (work.pinned !== null) pins.tools = work.pinned;
  const tier = tierOf(body, model, rules, pins);
  // Thinking between uses of tools may take more than the limit of the reply.
  const outputTokens = Math.max(limit, thinkingTokens(said.thinking));
  const shared = { cacheWrites: cacheWritesOf(content, model, tier), tier, isRegional: regionOf(said) };
  const caseOf = (name: string, price: Price, most: number): Case => {
    return { price, worst: modelCase(body, name, price, most, content, work, shared) };
  };
  const cases = [
    caseOf(model.model, model.price, outputTokens),
    ...fallbacks(said, model, outputTokens).map(({ name, price, most, param }) => {
      requireTier(tier, price, param);
      return caseOf(name, price, most);
    }),
    ...advisorCases(work, model, shared),
  ];
  return { ...sumOf(cases), outputTokensMax: outputTokens, pins, hidesUsage: false };
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

/** All runs of one model that answers. */
function modelCase(
  body: CallBody,
  name: string,
  price: Price,
  outputTokens: number,
  content: Content,
  work: ToolWork,
  shared: Pick<WorstCase, "cacheWrites" | "tier" | "isRegional">,
): WorstCase {
  const { said } = body;
  // A summary of the conversation is a run of its own before each.
  const passes = (1 + work.rounds) * (isCompacted(said) ? 2 : 1);
  const held = isRecord(said.thread) && said.thread.type !== "create" ? "thread" : content.unsized;
  const unsized = held ?? (work.isOutside ? "tools" : null);
  const window = price.contextWindow ?? null;
  if (unsized !== null && window === null) throw unsizedPart(unsized, name);
  // What it has written so far is read again in each further round.
  const sized = sizedTokens(body, name, content, work) + (passes - 1) * outputTokens;
  const inputTokens = unsized === null ? Math.min(sized, window ?? sized) : (window ?? sized);
  const tools = Object.fromEntries(Object.entries(work.uses).filter(([tool]) => isPriced(tool, price, name)));
  return { ...shared, inputTokens, outputTokens: passes * outputTokens, passes, tools };
}

/** What has a size: text by its bytes, pictures by their measures. */
function sizedTokens(body: CallBody, name: string, { images }: Content, work: ToolWork): number {
  let tokens = requestTokensMax(body, listOf(body.said.messages).length) + work.addedTokens;
  for (const image of images) tokens += imageTokensMax(name, image) - (image?.length ?? 0);
  return tokens;
}

function fallbacks({ fallbacks: listed }: Said, model: AskedModel, outputTokens: number) {
  if (typeof listed === "string") {
    throw new Forbidden(
      "fallbacks",
      `fallbacks: "${listed.slice(0, 30)}" leaves it to the provider which models answer, so the request has no bound and was not ` +
        "sent. Name the models.",
    );
  }
  return listOf(listed).map((entry, index) => {
    const param = `fallbacks[${index}]`;
    const said = isRecord(entry) ? entry : {};
    const most = wholeNumber(said.max_tokens, `${param}.max_tokens`) ?? outputTokens;
    const { name, price } = otherModel(said.model, `${param}.model`, model);
    if (said.speed !== undefined && said.speed !== null && said.speed !== "standard") {
      throw new Forbidden(`${param}.speed`, `${param}.speed has no bound that afk knows. Leave it out.`);
    }
    return { name, price, most: Math.max(most, thinkingTokens(said.thinking)), param: `${param}.model` };
  });
}

function advisorCases(
  { advisors }: ToolWork,
  model: AskedModel,
  shared: Pick<WorstCase, "cacheWrites" | "tier" | "isRegional">,
): Case[] {
  return advisors.map(({ param, model: named, uses, outputTokens }) => {
    const { name, price } = otherModel(named, param, model);
    if (price.contextWindow === undefined) throw unsizedPart(param, name);
    requireTier(shared.tier, price, param);
    const worst: WorstCase = {
      ...shared,
      cacheWrites: "any",
      inputTokens: price.contextWindow,
      outputTokens: uses * outputTokens,
      passes: uses,
      tools: {},
    };
    return { price, worst };
  });
}

function sumOf(cases: readonly Case[]): Pick<Bound, "estimateMicros" | "estimateTokens" | "outputMicros"> {
  const sum = { estimateMicros: 0, estimateTokens: 0, outputMicros: 0 };
  for (const { worst, price } of cases) {
    const { micros, outputMicros } = worstMicros(worst, price);
    sum.estimateMicros += micros;
    sum.outputMicros += outputMicros;
    sum.estimateTokens += worst.passes * worst.inputTokens + worst.outputTokens;
  }
  return sum;
}

function otherModel(named: unknown, param: string, model: AskedModel): { name: string; price: Price } {
  const price =
    typeof named === "string" ? (named === model.model ? model.price : model.priceOf(named)) : null;
  if (typeof named === "string" && price !== null) return { name: named, price };
  throw new Forbidden(
    param,
    `${param}: the price of ${typeof named === "string" ? named.slice(0, 100) : "that model"} is not known, so the request has no ` +
      "bound and was not sent. Name another model, or let the owner state its price in afk.yaml under models.prices.",
  );
}

/** The tier that is asked for. What the client may not choose is pinned: at Anthropic itself an account may have a dearer one. */
function tierOf(
  body: CallBody,
  model: AskedModel,
  rules: CallRules,
  pins: Record<string, unknown>,
): WorstCase["tier"] {
  const { said, headers } = body;
  const isPriority = rules.allow.has("priority") && tierFactor("priority", model.price) !== null;
  const mayBePriority = said.service_tier === "auto" && isPriority;
  if (model.isOriginal && !mayBePriority && said.service_tier !== "standard_only")
    pins.service_tier = "standard_only";
  const isElsewhere =
    !model.isOriginal && said.service_tier !== undefined && said.service_tier !== "standard_only";
  const isOpen = mayBePriority || isElsewhere || !isAllKnown(said, headers["anthropic-beta"]);
  const { speed = null } = said;
  if (speed === null || speed === "standard") return isOpen ? "any" : "listed";
  if (speed !== "fast" || !rules.allow.has("priority")) {
    throw new Forbidden(
      "speed",
      `speed: ${JSON.stringify(speed).slice(0, 40)} has prices of its own and is not allowed for this client, so the request was not ` +
        "sent. Leave it out, or let the owner allow it in afk.yaml under gateway.clients: allow: [priority].",
    );
  }
  requireTier("fast", model.price, "speed");
  return isOpen ? "any" : "fast";
}

function requireTier(tier: WorstCase["tier"], price: Price, param: string): void {
  if (tier === "listed" || tier === "any" || tierFactor(tier, price) !== null) return;
  throw new Forbidden(
    param,
    `${param}: the price of this model in the tier "${tier}" is not known. Leave the tier out.`,
  );
}

/** An account may have a region of its own, which a request that names none is kept in. */
function regionOf({ inference_geo: region = null }: Said): WorstCase["isRegional"] {
  if (region === null) return "any";
  if (region === "global" || region === "us") return region === "us";
  throw new Forbidden(
    "inference_geo",
    'inference_geo: the prices of that region are not known. Send "us" or "global".',
  );
}

function cacheWritesOf(
  { cacheLifetimes }: Content,
  model: AskedModel,
  tier: WorstCase["tier"],
): WorstCase["cacheWrites"] {
  const isOther = [...cacheLifetimes].some((lifetime) => lifetime !== "5m" && lifetime !== "1h");
  if (isOther || tier === "any") return "any";
  if (cacheLifetimes.has("1h")) return "1h";
  // Others that speak the protocol write to their caches unasked.
  return cacheLifetimes.has("5m") || !model.isOriginal ? "5m" : "none";
}

function thinkingTokens(thinking: unknown): number {
  if (!isRecord(thinking)) return 0;
  return wholeNumber(thinking.budget_tokens, "thinking.budget_tokens") ?? 0;
}

/** Whether the provider may summarise the conversation first. Edits that only leave something out cost nothing. */
function isCompacted({ compaction = null, context_management: management }: Said): boolean {
  if (compaction !== null) return true;
  const edits = isRecord(management) ? listOf(management.edits) : [];
  return !edits.every((edit) => isRecord(edit) && /^clear_/.test(String(edit.type)));
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
