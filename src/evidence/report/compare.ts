import { tokenCostMicros } from "../../lib/money.ts";
import { PRICES_DATE, type Pricing, priceOf } from "../../providers/prices.ts";
import { type CallSum, chargedMicros } from "./read-money.ts";

/** What the tokens that were used would have cost on another model. Money in micro-dollars. */
export interface Comparison {
  model: string;
  /** USD per million tokens. */
  price: { input: number; output: number };
  /** The day of the price list, or `afk.yaml`. */
  pricesFrom: string;
  inputTokens: number;
  outputTokens: number;
  /** Calls whose tokens nobody counted, whatever the reason; they are not in the sums. */
  uncounted: number;
  /** What the counted calls cost where they were made. */
  paidMicros: number;
  /** What they would have cost, all input at the full price: a tokenizer of its own counts somewhat differently. */
  wouldCostMicros: number;
}

/** @throws UnpricedModel, BadReference */
export function compareWith(reference: string, calls: readonly CallSum[], pricing: Pricing): Comparison {
  const { input, output } = priceOf(reference, pricing);
  const settled = calls.filter(({ state }) => state === "settled");
  const inputTokens = settled.reduce((sum, call) => sum + call.inputTokens, 0);
  const outputTokens = settled.reduce((sum, call) => sum + call.outputTokens, 0);
  return {
    model: reference,
    price: { input, output },
    pricesFrom: Object.hasOwn(pricing.prices, reference) ? "afk.yaml" : PRICES_DATE,
    inputTokens,
    outputTokens,
    uncounted: calls
      .filter(({ state }) => state !== "released")
      .reduce((sum, call) => sum + call.calls - call.counted, 0),
    paidMicros: settled
      .filter(({ counted }) => counted > 0)
      .reduce((sum, call) => sum + chargedMicros(call), 0),
    wouldCostMicros: tokenCostMicros(inputTokens, input) + tokenCostMicros(outputTokens, output),
  };
}
