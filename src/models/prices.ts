import { AfkError, EXIT } from "../lib/errors.ts";
import snapshot from "./prices.json" with { type: "json" };
import { parseReference } from "./reference.ts";
import type { Price } from "./types.ts";

/** A price as people write it: cache prices left out are the input price. */
export interface StatedPrice {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
}

/** No upper bound can be stated for the model's calls, so none is made. Exit code 78. */
export class UnpricedModel extends AfkError {
  constructor(reference: string) {
    super(
      "unpriced_model",
      `The price of ${reference} is not known, so afk does not call it. State it in afk.yaml in USD per ` +
        `million tokens, under models.prices: "${reference}": { input: …, output: … }`,
      { retry: "never", exitCode: EXIT.config },
    );
  }
}

/** The day the snapshot was made (YYYY-MM-DD), and from what. */
export const PRICES_DATE = snapshot.date;

const FREE: Price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

const MODELS: Record<string, StatedPrice & { dated?: boolean }> = snapshot.models;

/**
 * The price of a model by its reference: what the configuration states, else 0 for what runs on this machine,
 * else the snapshot's. An unknown model is refused and never taken for a similar one that may be cheaper.
 * @throws UnpricedModel
 */
export function priceOf(reference: string, overrides: Record<string, StatedPrice>): Price {
  const stated = Object.hasOwn(overrides, reference) ? overrides[reference] : undefined;
  if (stated !== undefined) return withCachePrices(stated);
  const { provider, model } = parseReference(reference);
  if (provider === "extractive") return FREE;
  // Ollama runs models whose tag ends so on its own servers, for money.
  if (provider === "ollama" && !/[:-]cloud$/i.test(model)) return FREE;
  const known = lookUp(reference);
  if (known === undefined || known.input <= 0 || known.output <= 0) throw new UnpricedModel(reference);
  return withCachePrices(known);
}

/** Why a model's calls could not be bounded, in words that say what to write; null when its price is known. */
export function priceProblem(reference: string, overrides: Record<string, StatedPrice>): string | null {
  try {
    priceOf(reference, overrides);
    return null;
  } catch (error) {
    if (error instanceof UnpricedModel) return error.message;
    throw error;
  }
}

/** By exact name, then without the date at its end, where the source of the snapshot says that is the same model. */
function lookUp(reference: string): StatedPrice | undefined {
  if (Object.hasOwn(MODELS, reference)) return MODELS[reference];
  const undated = reference.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "");
  const known = Object.hasOwn(MODELS, undated) ? MODELS[undated] : undefined;
  return known?.dated === true ? known : undefined;
}

function withCachePrices(stated: StatedPrice): Price {
  const { input, output } = stated;
  return { input, output, cacheRead: stated.cacheRead ?? input, cacheWrite: stated.cacheWrite ?? input };
}
