import { hiddenTokensMax, type WorstCase, worstMicros } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody } from "../protocol.ts";
import { plainText, requestTokensMax } from "../request-tokens.ts";
import type { Content } from "./content.ts";

/** What a provider adds to the input for tools, in tokens; seen are some hundreds. */
const TOKENS_FOR_TOOLS = 1024;

/** More than this is no request, and as a cost would break the arithmetic. */
const TOKENS_MAX = 1e11;

/**
 * The most tokens of input that one pass can be: what is here by its size, what is elsewhere by the context window, which bounds
 * each of several inputs.
 * @throws Forbidden
 */
export function inputOfPass(body: CallBody, content: Content, model: AskedModel, inputs = 1): number {
  const { tools, functions } = body.said;
  const hasTools = content.tools.length > 0 || [tools, functions].some((each) => Array.isArray(each));
  const bytes = requestTokensMax(body, content.messages) - content.imageBytes;
  const hidden = inputs * hiddenTokensMax(model.model);
  const here = bytes + content.imageTokens + hidden + (hasTools ? TOKENS_FOR_TOOLS : 0);
  const { contextWindow } = model.price;
  const window = contextWindow === undefined ? undefined : contextWindow * inputs;
  if (content.elsewhere === null) return Math.min(here, window ?? here);
  if (window !== undefined || model.isFree) return window ?? here;
  throw unboundable(content.elsewhere, model);
}

/** The context window, which bounds any pass whatever has come into it. @throws Forbidden for a priced model without one */
export function windowOf(param: string, model: AskedModel): number {
  const window = model.price.contextWindow;
  if (window === undefined) throw unboundable(param, model);
  return window;
}

function unboundable(param: string, model: AskedModel): Forbidden {
  return new Forbidden(
    param,
    `How much ${param} adds cannot be seen here, and the context window of ${model.reference} is not known, so the request has no bound; state context_window beside its price under models.prices in afk.yaml, or send the content itself.`,
  );
}

/** What a call can take at most, and how its limits are written into it. */
export interface Demand {
  /** Of one pass. */
  inputTokens: number;
  passes: number;
  /** The limit of the output, all generations and passes together. */
  outputTokens: number;
  tier: string;
  tools: Record<string, number>;
  hasUnknownKeys: boolean;
  pins: Record<string, unknown>;
  hidesUsage: boolean;
}

/** Prices a demand at the dearest that can apply. @throws Forbidden for more than any model can take */
export function boundOf(demand: Demand, body: CallBody, model: AskedModel): Bound {
  const { inputTokens, passes, outputTokens, tools, hidesUsage } = demand;
  const estimateTokens = passes * inputTokens + outputTokens;
  if (estimateTokens > TOKENS_MAX) {
    throw new Forbidden(
      "max_tokens",
      `It asks for up to ${estimateTokens} tokens, which no model gives; ask for fewer replies, or shorter ones.`,
    );
  }
  const pins = { ...demand.pins, ...priceBound(body.said, model) };
  const rest = { estimateTokens, outputTokensMax: outputTokens, pins, hidesUsage };
  if (model.isFree) return { estimateMicros: 0, outputMicros: 0, ...rest };
  const { micros, outputMicros } = worstMicros(
    {
      inputTokens,
      passes,
      outputTokens,
      cacheWrites: demand.hasUnknownKeys ? "any" : cacheWritesOf(body),
      tier: demand.hasUnknownKeys ? "any" : demand.tier,
      isRegional: "any",
      tools,
    },
    model.price,
  );
  return { estimateMicros: micros, outputMicros, ...rest };
}

/** Half an hour is what a request gets that asks for nothing; bridges to Claude take an hour by `cache_control`. */
function cacheWritesOf(body: CallBody): WorstCase["cacheWrites"] {
  const { prompt_cache_options: options, prompt_cache_retention: retention } = body.said;
  const ttl = isRecord(options) ? (options.ttl ?? null) : (options ?? null);
  const isUsual = (ttl === null || ttl === "30m") && (retention ?? null) === null;
  // The letters of a key may be escapes too.
  const text = body.text.includes("\\u00") ? plainText(body) : body.text;
  return isUsual && !text.includes('"cache_control"') ? "5m" : "any";
}

/** OpenRouter may ask a dearer server of the same model, or one with a price for each request, unless it is told not to. */
function priceBound({ provider }: CallBody["said"], model: AskedModel): Record<string, unknown> {
  if (model.server !== "openrouter" || model.isFree) return {};
  const { input, output } = model.price;
  return {
    provider: {
      ...(isRecord(provider) ? provider : {}),
      max_price: { prompt: input, completion: output, request: 0 },
    },
  };
}
