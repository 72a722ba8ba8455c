import type { ModelsConfig, StatedPrice } from "../config/config.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { isOwnHost } from "./own-host.ts";
import snapshot from "./prices.json" with { type: "json" };
import { parseReference } from "./reference.ts";
import type { Price } from "./types.ts";

/** What the configuration says that a price depends on. */
export type Pricing = Pick<ModelsConfig, "prices" | "providers">;

/** No upper bound can be stated for the model's calls, so none is made. Exit code 78. */
export class UnpricedModel extends AfkError {
  constructor(reference: string, because = "") {
    super(
      "unpriced_model",
      `The price of ${reference} is not known${because}, so afk does not call it. State it in afk.yaml in USD per ` +
        `million tokens, under models.prices: "${reference}": { input: …, output: … }`,
      { retry: "never", exitCode: EXIT.config },
    );
  }
}

/** The day the snapshot was made (YYYY-MM-DD), and from what. */
export const PRICES_DATE = snapshot.date;

const FREE: Price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

const MODELS: Record<string, StatedPrice & { cacheWrite1h?: number; dated?: boolean }> = snapshot.models;

/**
 * What is kept in the cache for five minutes, and for an hour, costs so much more than input at Anthropic
 * (https://platform.claude.com/docs/en/build-with-claude/prompt-caching), and the former at OpenAI's newer models.
 */
const WRITE_FACTOR = 1.25;
const WRITE_1H_FACTOR = 2;

/** Anthropic's, where the owner's workspace keeps inference in one region (https://platform.claude.com/docs/en/build-with-claude/data-residency). */
const REGIONAL_FACTOR = 1.1;

/**
 * The price of a model by its reference: what the configuration states, else 0 for what runs on a machine of the owner's,
 * else the snapshot's. An unknown model is refused and never taken for a similar one that may be cheaper.
 * @throws UnpricedModel
 */
export function priceOf(reference: string, { prices, providers }: Pricing): Price {
  const { provider, model } = parseReference(reference);
  const stated = Object.hasOwn(prices, reference) ? prices[reference] : undefined;
  // Whoever serves the model that somebody states the price of: a write to the cache that it counts may cost more.
  if (stated !== undefined)
    return withCachePrices(provider, { ...stated, hasWritePremium: provider !== "ollama" });
  if (provider === "extractive") return FREE;
  if (provider === "ollama" && !CLOUD.test(model)) {
    const { baseUrl } = providers.ollama;
    if (isOwnHost(new URL(baseUrl))) return FREE;
    throw new UnpricedModel(reference, ` (${new URL(baseUrl).host} is no machine of your own network)`);
  }
  const known = lookUp(reference);
  if (known === undefined || known.input <= 0 || known.output <= 0) throw new UnpricedModel(reference);
  return withCachePrices(provider, { ...known, hasWritePremium: provider === "anthropic" });
}

/** Ollama runs models whose tag ends so on its own servers, for money. */
const CLOUD = /[:-]cloud$/i;

/** Whether a call costs nothing, whatever it takes. */
export function isFree({ input, output, cacheRead, cacheWrite, cacheWrite1h = 0 }: Price): boolean {
  return Math.max(input, output, cacheRead, cacheWrite, cacheWrite1h) === 0;
}

/** Why a model's calls could not be bounded, in words that say what to write; null when its price is known. */
export function priceProblem(reference: string, pricing: Pricing): string | null {
  try {
    priceOf(reference, pricing);
    return null;
  } catch (error) {
    if (error instanceof UnpricedModel) return error.message;
    throw error;
  }
}

/** By exact name, then without the date at its end, where the source of the snapshot says that is the same model. */
function lookUp(reference: string): (typeof MODELS)[string] | undefined {
  if (Object.hasOwn(MODELS, reference)) return MODELS[reference];
  const undated = reference.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "");
  const known = Object.hasOwn(MODELS, undated) ? MODELS[undated] : undefined;
  return known?.dated === true ? known : undefined;
}

/** What is read from the cache costs as much as input where nobody says less. */
function withCachePrices(
  provider: string,
  known: StatedPrice & { cacheWrite1h?: number; hasWritePremium: boolean },
): Price {
  const { input, output, cacheRead = input } = known;
  const { cacheWrite = known.hasWritePremium ? WRITE_FACTOR * input : input } = known;
  if (provider !== "anthropic") return { input, output, cacheRead, cacheWrite };
  const { cacheWrite1h = Math.max(cacheWrite, WRITE_1H_FACTOR * input) } = known;
  return { input, output, cacheRead, cacheWrite, cacheWrite1h, regionalFactor: REGIONAL_FACTOR };
}
