import { CallFailed } from "../rails/call.ts";
import type { Performed } from "../rails/guard.ts";
import { inputTokensOf, outputTokensOf } from "./estimate.ts";
import { type AskedModel, answeredMicros } from "./other-model.ts";
import type { Completion, Figures, ProviderReply, UnknownCost, Usage } from "./types.ts";

/** The usage of a call that took nothing, or was not counted. */
export const NO_TOKENS: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

/** Which model was asked, and for how much at most. */
export interface Asked extends AskedModel {
  isFree: boolean;
  outputTokensMax: number;
}

/**
 * What a call cost by the figures of its reply and the price of its model; the tokens are null where nobody counted them.
 * @throws CallFailed when the figures cannot be what a priced call took.
 */
export function costOf(
  asked: Asked,
  { isEmptyReply, figures }: { isEmptyReply: boolean; figures: Figures },
): Omit<Performed<never>, "value"> {
  const { reference, isFree, outputTokensMax } = asked;
  const isCounted = !("unknown" in figures);
  const usage = !isCounted && isFree ? NO_TOKENS : figures;
  if ("unknown" in usage) throw costUnknown(reference, usage);
  const [inputTokens, outputTokens] = [inputTokensOf(usage), outputTokensOf(usage)];
  if (!isFree && (inputTokens === 0 || (!isEmptyReply && outputTokens === 0))) {
    // Some servers write 0 for what they do not know; no call of a model that costs money is free.
    throw costUnknown(reference, { unknown: "it says that the call took no tokens" });
  }
  const micros = isFree ? 0 : answeredMicros(asked, usage);
  if (typeof micros !== "number") throw costUnknown(reference, micros);
  // A server that does not keep to the limit has none, however little this one reply cost.
  const most = longestReply(usage);
  const isAbove = !isFree && most > outputTokensMax;
  const aboveBound = `a reply of ${most} tokens, more than the ${outputTokensMax} that bounded it`;
  return {
    ...(isAbove ? { aboveBound } : {}),
    costMicros: micros,
    inputTokens: isCounted ? inputTokens : null,
    outputTokens: isCounted ? outputTokens : null,
  };
}

/**
 * The completion that a reply makes, and what it cost.
 * @throws CallFailed as `costOf`.
 */
export function performed(
  asked: Asked & { isDegraded: boolean },
  { text, usage: figures, truncated = false }: ProviderReply,
): Performed<Completion> {
  const cost = costOf(asked, { isEmptyReply: text === "", figures });
  const usage = "unknown" in figures ? NO_TOKENS : figures;
  const cut = truncated ? { truncated } : {};
  const { reference: model, isDegraded: degraded } = asked;
  const value = { text, usage, model, costMicros: cost.costMicros, degraded, ...cut };
  return { ...cost, ...cut, value };
}

/** The most output of a run that made a part of the reply. */
function longestReply({ outputTokens, passes = [] }: Usage): number {
  return Math.max(outputTokens, ...passes.map(({ usage, isReply }) => (isReply ? usage.outputTokens : 0)));
}

/** Where the prices may be others, the next call may cost more than is reserved for it, so there is none for now. */
export function costUnknown(reference: string, figures: UnknownCost): CallFailed {
  const message = `The cost of a call to ${reference} is unknown: ${figures.unknown}.`;
  return new CallFailed(message, {
    charge: "unknown",
    trip: figures.hasOtherPrices ? "now" : "count",
    fault: "reply",
  });
}
