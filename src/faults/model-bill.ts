import type { Price, Rates, Usage } from "../providers/types.ts";

/** What the provider puts on the bill for one request. */
export interface BillLine {
  model: string;
  usage: Usage;
}

/** What a model costs, by its name; or one price for all. */
export type PriceList = Price | ((model: string) => Price);

/**
 * What the provider bills, in micro-dollars. Not computed by the code under test, with which a bill would agree in every
 * mistake.
 */
export function billMicros(lines: readonly BillLine[], prices: PriceList): number {
  const priceOf = typeof prices === "function" ? prices : () => prices;
  return Math.ceil(lines.reduce((sum, { model, usage }) => sum + micros(model, usage, priceOf), 0));
}

function micros(model: string, usage: Usage, priceOf: (model: string) => Price): number {
  const price = priceOf(model);
  const tokens = tokensMicros(usage, price) * factor(usage, price);
  const tools = Object.entries(usage.tools ?? {}).map(
    ([name, uses]) => uses * (price.tools?.[name] ?? 0) * 1_000_000,
  );
  const passes = (usage.passes ?? []).map((pass) => micros(pass.model ?? model, pass.usage, priceOf));
  return [...tools, ...passes].reduce((sum, part) => sum + part, tokens);
}

/** All tokens at the rates of the highest step that the input exceeds. */
function tokensMicros(usage: Usage, price: Price): number {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const { cacheWrite1hTokens = 0, cacheWrite12hTokens = 0 } = usage;
  const input = inputTokens + cacheReadTokens + cacheWriteTokens + cacheWrite1hTokens + cacheWrite12hTokens;
  const rates: Rates = (price.steps ?? []).findLast(({ above }) => input > above) ?? price;
  const hour = rates.cacheWrite1h ?? rates.cacheWrite;
  const halfDay = rates.cacheWrite12h ?? Math.max(hour, rates.cacheWrite);
  return (
    inputTokens * rates.input +
    cacheReadTokens * rates.cacheRead +
    cacheWriteTokens * rates.cacheWrite +
    cacheWrite1hTokens * hour +
    cacheWrite12hTokens * halfDay +
    outputTokens * rates.output
  );
}

function factor({ tier, isRegional }: Usage, { tiers, regionalFactor }: Price): number {
  const ofTier = tier === undefined ? 1 : (tiers?.[tier] ?? 1);
  return ofTier * (isRegional ? (regionalFactor ?? 1) : 1);
}
