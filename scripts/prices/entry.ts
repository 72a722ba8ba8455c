import type { Constraint, Listed, Rates } from "./source.ts";

/** The rates of a model, in USD per million tokens. */
export interface EntryRates {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  cacheWrite1h?: number;
  cacheWrite12h?: number;
}

/** One model of src/providers/prices.json. */
export interface Entry extends EntryRates {
  contextWindow?: number;
  steps?: ({ above: number } & EntryRates)[];
  tiers?: Record<string, number>;
  tools?: Record<string, number>;
  embeds?: true;
  dated?: true;
}

const KINDS = {
  input: "input_mtok",
  output: "output_mtok",
  cacheRead: "cache_read_mtok",
  cacheWrite: "cache_write_mtok",
  cacheWrite1h: "cache_write_1h_mtok",
};
/** What a model may have a price for besides. Whatever else has a price of its own bounds nothing in tokens of text. */
const BESIDES = ["web_searches_kcount", "storage_searches_kcount"];
const HEARING = ["input_audio_mtok", "cache_audio_read_mtok", "input_image_mtok", "input_video_mtok"];

/** OpenAI's price for half a day in the cache, in input prices, where it bills what is written. */
const HALF_DAY_FACTOR = 2.5;
/** Anthropic's price for an hour in the cache, in input prices. */
const HOUR_FACTOR = 2;
/** The rates of a tier differ so much at most from each other; the source rounds some to a cent. */
const ROUNDED = 1.05;

/** What decides how a model's prices are read. */
export interface Reading {
  today: string;
  /** A price for hearing and seeing is passed over: a conversation in text has none of it. */
  mayHear: boolean;
  sellsHalfDays: boolean;
  /** An hour in the cache is sold, and the list may not say so. */
  sellsHours: boolean;
}

/** Rates, steps and tiers; undefined where the model does not turn text into text, or numbers, for a stated price. */
export function ratesOf(model: Listed, reading: Reading): Entry | undefined {
  const prices = currentPrices(model.prices, reading.today);
  const known = ["_", ...Object.values(KINDS), ...BESIDES, ...(reading.mayHear ? HEARING : [])];
  if (prices.some((price) => Object.keys(price).some((key) => !known.includes(key)))) return undefined;
  const embeds = /embed/.test(model.id);
  const starts = new Set(
    prices.flatMap((price) => Object.values(KINDS).flatMap((key) => startsOf(price[key]))),
  );
  const base = ratesAt(0, prices, reading);
  if (!base.input || embeds === base.output > 0) return undefined;
  const steps = [...starts]
    .toSorted((a, b) => a - b)
    .map((above) => ({ above, ...ratesAt(above + 1, prices, reading) }));
  const tiers = tiersOf(model, prices, reading.today);
  return {
    ...base,
    ...(steps.length > 0 ? { steps } : {}),
    ...(Object.keys(tiers).length > 0 ? { tiers } : {}),
    ...(embeds ? { embeds } : {}),
  };
}

/** The dearest price of a thousand uses that holds, in USD for one; undefined where there is none. */
export function usePrice(model: Listed, key: string, today: string): number | undefined {
  const all = currentPrices(model.prices, today).flatMap((price) =>
    price[key] ? [rateAt(0, price[key])] : [],
  );
  return all.length === 0 ? undefined : Math.max(...all) / 1000;
}

function ratesAt(inputTokens: number, prices: Rates[], { sellsHalfDays, sellsHours }: Reading): EntryRates {
  const dearest = (key: string) =>
    Math.max(0, ...prices.map((price) => rateAt(inputTokens, price[key] ?? 0)));
  const { input, output, ...cache } = Object.fromEntries(
    Object.entries(KINDS).map(([kind, key]) => [kind, dearest(key)]),
  );
  const stated = Object.fromEntries(Object.entries(cache).filter(([, rate]) => rate > 0));
  const isWritten = stated.cacheWrite !== undefined;
  const hour =
    sellsHours && isWritten && stated.cacheWrite1h === undefined
      ? { cacheWrite1h: HOUR_FACTOR * (input ?? 0) }
      : {};
  const halfDay = sellsHalfDays && isWritten ? { cacheWrite12h: HALF_DAY_FACTOR * (input ?? 0) } : {};
  return { input: input ?? 0, output: output ?? 0, ...stated, ...hour, ...halfDay };
}

/** What the rates are multiplied by in each tier that has the same factor for all of them; at most, where it is rounded. */
function tiersOf(model: Listed, prices: Rates[], today: string): Record<string, number> {
  const tiers: Record<string, number> = {};
  for (const { when, prices: rates, constraint } of model.price_variants ?? []) {
    const [tier, ...more] = Object.entries(when).map(([key, value]) =>
      key === "service_tier" || key === "speed" || (key === "processing" && model.id.startsWith("claude-"))
        ? value
        : undefined,
    );
    if (tier === undefined || more.length > 0 || !isInForce(constraint, today)) continue;
    const factors = prices.flatMap((price) =>
      Object.values(KINDS).flatMap((key) => {
        const listed = rateAt(0, price[key] ?? 0);
        return listed > 0 ? [rateAt(0, rates[key] ?? price[key] ?? 0) / listed] : [];
      }),
    );
    const dearest = Math.max(...factors);
    const isOne = dearest / Math.min(...factors) <= ROUNDED;
    if (isOne && tier !== "default") tiers[tier] = Math.ceil(dearest * 10_000 - 1e-6) / 10_000;
  }
  return tiers;
}

/** Of prices by date, the one in force today and all to come; of prices by the hour, all. */
function currentPrices(prices: Listed["prices"], today: string): Rates[] {
  if (!Array.isArray(prices)) return [prices];
  const inForce = prices.findLastIndex(({ constraint }) => isInForce(constraint, today));
  return prices.slice(Math.max(inForce, 0)).map((conditional) => conditional.prices);
}

function isInForce(constraint: Constraint, today: string): boolean {
  if (constraint === undefined || constraint === null) return true;
  return constraint.start_date !== undefined && constraint.start_date <= today;
}

function startsOf(rate: Rates[string]): number[] {
  return typeof rate === "object" && rate !== null ? rate.tiers.map(({ start }) => start) : [];
}

function rateAt(inputTokens: number, rate: NonNullable<Rates[string]>): number {
  if (typeof rate === "number") return rate;
  return rate.tiers.findLast(({ start }) => inputTokens > start)?.price ?? rate.base;
}
