import { AfkError, EXIT } from "../lib/errors.ts";
import snapshot from "./prices.json" with { type: "json" };
import { BadReference, parseReference } from "./registry.ts";
import type { Price, PriceRules, Pricing, Rates, StatedPrice } from "./types.ts";

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

interface ListedRates extends StatedPrice {
  cacheWrite12h?: number;
}

/** A row of the snapshot. */
interface ListedPrice extends ListedRates {
  steps?: (ListedRates & { above: number })[];
  tiers?: Record<string, number>;
  tools?: Record<string, number>;
  /** It makes numbers of text, so that there is no output to bill. */
  embeds?: boolean;
  dated?: boolean;
}

/** By the name of the server in the snapshot and the model's own. */
const MODELS: Record<string, ListedPrice> = snapshot.models;

/**
 * The price of a model by its reference: what the configuration states, else 0 for what runs on a machine of the owner's
 * and for what is asked with the caller's own credential, else the snapshot's. An unknown model is refused and never taken for a similar one that may be cheaper.
 * @throws UnpricedModel, BadReference
 */
export function priceOf(reference: string, { prices, providers }: Pricing): Price {
  const parsed = parseReference(reference, providers);
  if (parsed.isOffline) return FREE;
  const { name, model, config } = parsed;
  const rules = parsed.type.prices;
  const stated = Object.hasOwn(prices, reference) ? prices[reference] : undefined;
  const server = rules.listedAs(name, config);
  const known = server === null ? undefined : lookUp(`${server}/${model}`);
  // What the owner states has neither steps nor tiers nor tools; how much the model takes is no price.
  if (stated !== undefined) {
    const contextWindow = stated.contextWindow ?? known?.contextWindow;
    return {
      ...withCachePrices(stated, rules.statedWriteFactor, rules),
      ...regional(rules),
      ...(contextWindow && { contextWindow }),
    };
  }
  // A flat plan of the caller's: there are no dollars to count, and tokens and calls are counted all the same.
  if (config.auth === "client")
    return { ...FREE, ...(known?.contextWindow && { contextWindow: known.contextWindow }) };
  const free = rules.freeOfCharge?.(model, config) ?? null;
  if (free === "free") return FREE;
  if (free !== null) throw new UnpricedModel(reference, ` (${free.unless})`);
  if (known === undefined || known.input <= 0 || (known.output <= 0 && known.embeds !== true)) {
    throw new UnpricedModel(reference);
  }
  return listedPrice(known, rules, rules.addressFactor?.(new URL(config.baseUrl)) ?? 1);
}

/** The same, null for a model whose price is not known, or that names nothing. */
export function knownPrice(reference: string, pricing: Pricing): Price | null {
  try {
    return priceOf(reference, pricing);
  } catch (error) {
    if (error instanceof BadReference || error instanceof UnpricedModel) return null;
    throw error;
  }
}

/** Whether a call costs nothing, whatever it takes. */
export function isFree({ input, output, cacheRead, cacheWrite, cacheWrite1h = 0 }: Price): boolean {
  // Steps, tiers and tools come from the snapshot alone, in which nothing is free.
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
function lookUp(reference: string): ListedPrice | undefined {
  if (Object.hasOwn(MODELS, reference)) return MODELS[reference];
  const undated = reference.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "");
  const known = Object.hasOwn(MODELS, undated) ? MODELS[undated] : undefined;
  return known?.dated === true ? known : undefined;
}

function listedPrice(known: ListedPrice, rules: PriceRules, factor: number): Price {
  const { steps, tiers, tools, contextWindow } = known;
  const ratesOf = (rates: ListedRates) =>
    multiplied(withCachePrices(rates, rules.listedWriteFactor ?? 1, rules), factor);
  return {
    ...ratesOf(known),
    ...regional(rules),
    ...(steps && { steps: steps.map((step) => ({ above: step.above, ...ratesOf(step) })) }),
    ...(tiers && { tiers }),
    ...(tools && { tools }),
    ...(contextWindow && { contextWindow }),
  };
}

/** What is read from the cache costs as much as input where nobody says less. */
function withCachePrices(known: ListedRates, writeFactor: number, rules: PriceRules): Rates {
  const { input, output, cacheRead = input, cacheWrite = writeFactor * input, cacheWrite12h } = known;
  const { write1hFactor } = rules;
  const hour = write1hFactor === undefined ? known.cacheWrite1h : Math.max(cacheWrite, write1hFactor * input);
  const cacheWrite1h = known.cacheWrite1h ?? hour;
  return {
    input,
    output,
    cacheRead,
    cacheWrite,
    ...(cacheWrite1h !== undefined && { cacheWrite1h }),
    ...(cacheWrite12h !== undefined && { cacheWrite12h }),
  };
}

function regional({ regionalFactor }: PriceRules): Pick<Price, "regionalFactor"> {
  return regionalFactor === undefined ? {} : { regionalFactor };
}

function multiplied(rates: Rates, factor: number): Rates {
  if (factor === 1) return rates;
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, cacheWrite12h } = rates;
  return {
    input: input * factor,
    output: output * factor,
    cacheRead: cacheRead * factor,
    cacheWrite: cacheWrite * factor,
    ...(cacheWrite1h !== undefined && { cacheWrite1h: cacheWrite1h * factor }),
    ...(cacheWrite12h !== undefined && { cacheWrite12h: cacheWrite12h * factor }),
  };
}
