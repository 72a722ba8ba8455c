import { tierFactor, type WorstCase } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import type { Price } from "../../../providers/types.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, CallBody, CallRules } from "../protocol.ts";
import { type Content, listOf } from "./content.ts";
import { isAllKnown } from "./known.ts";

type Said = CallBody["said"];

/** Far beyond what any model takes, and small enough to reckon with. */
const MOST = 10_000_000;

/** What all runs of a call have in common, as far as prices depend on it. */
export type Terms = Pick<WorstCase, "cacheWrites" | "tier" | "isRegional">;

/** The tier that is asked for. What the client may not choose is pinned: at Anthropic itself an account may have a dearer one. */
export function tierOf(
  body: CallBody,
  model: AskedModel,
  rules: CallRules,
  pins: Record<string, unknown>,
): WorstCase["tier"] {
  const { said, headers } = body;
  const isAnthropic = isAnthropicItself(model);
  const isPriority = rules.allow.has("priority") && tierFactor("priority", model.price) !== null;
  const mayBePriority = said.service_tier === "auto" && isPriority;
  if (isAnthropic && !mayBePriority && said.service_tier !== "standard_only")
    pins.service_tier = "standard_only";
  const isElsewhere =
    !isAnthropic && said.service_tier !== undefined && said.service_tier !== "standard_only";
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

/** Ollama's own service speaks the protocol too. */
function isAnthropicItself({ isOriginal, providerType }: AskedModel): boolean {
  return isOriginal && providerType === "anthropic";
}

/** @throws Forbidden where a model has no price in a tier. */
export function requireTier(tier: WorstCase["tier"], price: Price, param: string): void {
  if (tier === "listed" || tier === "any" || tierFactor(tier, price) !== null) return;
  throw new Forbidden(
    param,
    `${param}: the price of this model in the tier "${tier}" is not known. Leave the tier out.`,
  );
}

/** An account may have a region of its own, which a request that names none is kept in. */
export function regionOf({ inference_geo: region = null }: Said): WorstCase["isRegional"] {
  if (region === null) return "any";
  if (region === "global" || region === "us") return region === "us";
  throw new Forbidden(
    "inference_geo",
    'inference_geo: the prices of that region are not known. Send "us" or "global".',
  );
}

/** For how long it may be written to the cache. */
export function cacheWritesOf(
  { cacheLifetimes }: Content,
  model: AskedModel,
  tier: WorstCase["tier"],
): WorstCase["cacheWrites"] {
  const isOther = [...cacheLifetimes].some((lifetime) => lifetime !== "5m" && lifetime !== "1h");
  if (isOther || tier === "any") return "any";
  if (cacheLifetimes.has("1h")) return "1h";
  // Others that speak the protocol write to their caches unasked.
  return cacheLifetimes.has("5m") || !isAnthropicItself(model) ? "5m" : "none";
}

/** The most tokens of thinking that a request asks for. @throws Forbidden */
export function thinkingTokens(thinking: unknown): number {
  if (!isRecord(thinking)) return 0;
  return wholeNumber(thinking.budget_tokens, "thinking.budget_tokens") ?? 0;
}

/** Whether the provider may summarise the conversation first. Edits that only leave something out cost nothing. */
export function isCompacted({ compaction = null, context_management: management }: Said): boolean {
  if (compaction !== null) return true;
  const edits = isRecord(management) ? listOf(management.edits) : [];
  return !edits.every((edit) => isRecord(edit) && /^clear_/.test(String(edit.type)));
}

/** A header opens a larger window to some models, beyond the one that is listed. */
const LARGE = { beta: /(^|[\s,])context-1m-/, tokens: 1_000_000 };

/**
 * The most tokens of one run of a model; null where that is not known.
 * @throws Forbidden for a larger window than the listed one, where what is above has no known price.
 */
export function windowOf(
  price: Price,
  { headers, said }: Pick<CallBody, "headers" | "said">,
  name: string,
): number | null {
  const { contextWindow: window = null, steps = [] } = price;
  // Bedrock and Vertex, which others pass it on to, take it in the body.
  const betas = [headers["anthropic-beta"], ...listOf(said.anthropic_beta), ...listOf(said.betas)].map(
    String,
  );
  if (window === null || window >= LARGE.tokens || !betas.some((beta) => LARGE.beta.test(beta)))
    return window;
  if (steps.length > 0) return LARGE.tokens;
  throw new Forbidden(
    "anthropic-beta",
    `anthropic-beta: the price of ${name} beyond ${window} tokens of input is not known. Leave context-1m out.`,
  );
}

/**
 * A limit as a client states it, null where it states none.
 * @throws Forbidden for what one server may read as another number than the next.
 */
export function wholeNumber(value: unknown, param: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST) return value;
  throw new Forbidden(
    param,
    `${param} must be a whole number, so that the cost of the request has a bound. Send it as one.`,
  );
}
