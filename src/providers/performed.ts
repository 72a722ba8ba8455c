import { CallFailed } from "../rails/call.ts";
import type { Performed } from "../rails/guard.ts";
import { costMicros, inputTokensOf } from "./estimate.ts";
import type { Completion, Price, ProviderReply, Usage } from "./types.ts";

/** The usage of a call that took nothing, or was not counted. */
export const NO_TOKENS: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

/** Which model was asked, and for how much at most. */
export interface Asked {
  reference: string;
  price: Price;
  isFree: boolean;
  isDegraded: boolean;
  outputTokensMax: number;
}

/**
 * What a reply cost, by its figures and the price of its model.
 * @throws CallFailed when the figures cannot be what a priced call took.
 */
export function performed(
  asked: Asked,
  { text, usage: figures, truncated = false }: ProviderReply,
): Performed<Completion> {
  const { reference, price, isFree, isDegraded, outputTokensMax } = asked;
  const usage = isFree && "unknown" in figures ? NO_TOKENS : figures;
  if ("unknown" in usage) throw costUnknown(reference, usage);
  const inputTokens = inputTokensOf(usage);
  if (!isFree && (inputTokens === 0 || (text !== "" && usage.outputTokens === 0))) {
    // Some servers write 0 for what they do not know; no call of a model that costs money is free.
    throw costUnknown(reference, { unknown: "it says that the call took no tokens" });
  }
  const cost = costMicros(usage, price);
  const isCounted = usage === figures;
  const cut = truncated ? { truncated } : {};
  // A server that does not keep to the limit has none, however little this one reply cost.
  const isAbove = !isFree && usage.outputTokens > outputTokensMax;
  const aboveBound = `a reply of ${usage.outputTokens} tokens, more than the ${outputTokensMax} that bounded it`;
  return {
    ...(isAbove ? { aboveBound } : {}),
    costMicros: cost,
    inputTokens: isCounted ? inputTokens : null,
    outputTokens: isCounted ? usage.outputTokens : null,
    ...cut,
    value: { text, usage, model: reference, costMicros: cost, degraded: isDegraded, ...cut },
  };
}

/** Where the prices may be others, the next call may cost more than is reserved for it, so there is none for now. */
function costUnknown(reference: string, figures: { unknown: string; hasOtherPrices?: true }): CallFailed {
  const message = `The cost of a call to ${reference} is unknown: ${figures.unknown}.`;
  return new CallFailed(message, {
    charge: "unknown",
    trip: figures.hasOtherPrices ? "now" : "count",
    fault: "reply",
  });
}
