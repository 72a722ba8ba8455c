import { assert } from "../lib/errors.ts";
import { chargeMicrosFromUsd, tokenCostMicros } from "../lib/money.ts";
import type { Price, Rates, UnknownCost, Usage } from "./types.ts";

/** What a provider adds around one message, and once around the conversation, in tokens; seen are 3 to 7. */
const TOKENS_PER_MESSAGE = 16;

/** `costMicros` rounds each of the six kinds of tokens of each pass up by itself. */
const ROUNDING_MICROS_PER_PASS = 6;

/** Characters that are normalised at a time, and marks behind them that belong to the last letter. */
const PIECE = { characters: 32, marks: 16 };
/** A mark, or the second half of a character. */
const BELONGS_BEFORE = /[\p{M}\udc00-\udfff]/u;

/** The most that a call can take. */
export interface WorstCase {
  /** Of each pass, all kinds together. */
  inputTokens: number;
  /** Of all passes together. */
  outputTokens: number;
  /** How often the model itself may be run, 1 where nothing runs at the provider. Passes of another model are a case of their own. */
  passes: number;
  /** For how long it may be written to the cache: "5m" stands for the shortest time that is sold. */
  cacheWrites: "none" | "5m" | "1h" | "12h" | "any";
  /** The tier that was asked for, "listed" for the one of the listed prices, "any" where the provider chooses. */
  tier: "listed" | "any" | (string & {});
  /** Whether it is kept in one region; "any" where an account may say so. */
  isRegional: boolean | "any";
  /** Uses of tools that run at the provider, by their names in `Price.tools`. */
  tools: Readonly<Record<string, number>>;
}

/**
 * The most that a call can cost, in micro-dollars; `outputMicros` is the part for output, all passes together. Tiers and tools
 * must have a price (`tierFactor`, `Price.tools`): whoever asks for others has no bound.
 */
export function worstMicros(worst: WorstCase, price: Price): { micros: number; outputMicros: number } {
  const { inputTokens, outputTokens, passes, tools } = worst;
  // Figures that do not say which pass took what are priced by the step of their sum.
  const reachable = [price, ...(price.steps ?? []).filter(({ above }) => above < passes * inputTokens)];
  const factor = dearestFactor(worst, price);
  const inputRate = Math.max(...reachable.flatMap((rates) => inputRates(rates, worst.cacheWrites)));
  const outputRate = Math.max(...reachable.map(({ output }) => output));
  const toolMicros = toolCostMicros(tools, price);
  assert(typeof toolMicros === "number", "a bound of tools that have no price");
  const outputMicros = tokenCostMicros(outputTokens, factor * outputRate);
  // Where output alone costs anything, that of a single pass is rounded here as it is there.
  const rounding = inputRate > 0 ? ROUNDING_MICROS_PER_PASS * passes : outputRate > 0 ? passes - 1 : 0;
  const inputMicros = tokenCostMicros(passes * inputTokens, factor * inputRate);
  return { micros: inputMicros + outputMicros + toolMicros + rounding, outputMicros };
}

/** The most that a conversation in text can cost, without tools and in the listed tier, in micro-dollars; `hidden` as below. */
export function estimateMicros(
  body: string,
  messageCount: number,
  maxOutputTokens: number,
  price: Price,
  hidden = 0,
): number {
  const worst: WorstCase = {
    inputTokens: tokensMax(body, messageCount) + hidden,
    outputTokens: maxOutputTokens,
    passes: 1,
    cacheWrites: "any",
    tier: "listed",
    isRegional: "any",
    tools: {},
  };
  return worstMicros(worst, price).micros;
}

/**
 * The most tokens of input that a request can be. A token of a byte-level tokenizer covers at least one byte, so the bytes
 * of the whole serialised request bound its tokens; tokenizers that normalise first may see more bytes than were sent,
 * hence the largest of three forms.
 */
export function tokensMax(body: string, messageCount: number): number {
  return bytesMax(body) + TOKENS_PER_MESSAGE * (messageCount + 1);
}

/** A short greeting is billed as 686 tokens of input by Grok 4, 679 of them from the cache, and as 170 by Grok 4.1. */
const HIDDEN = { models: /grok/i, tokens: 2_048 };

/** The most tokens of input that a model's provider writes before any request, and bills; in words of its own that nobody sees. */
export function hiddenTokensMax(model: string): number {
  return HIDDEN.models.test(model) ? HIDDEN.tokens : 0;
}

/**
 * What a call cost by the provider's own figures, in micro-dollars, every kind of tokens rounded up by itself; what it says
 * that it bills, where that is more. `priceOf` gives the price of another model of the same provider, null for an unknown one.
 */
export function costMicros(
  usage: Usage,
  price: Price,
  priceOf: (model: string) => Price | null = () => null,
): number | UnknownCost {
  let sum = 0;
  for (const { model, usage: pass } of [{ model: null, usage }, ...(usage.passes ?? [])]) {
    const at = model === null ? price : priceOf(model);
    if (at === null)
      return { unknown: `it bills passes of ${model}, whose price is not known`, hasOtherPrices: true };
    const micros = passMicros(pass, at);
    if (typeof micros !== "number") return micros;
    sum += micros;
  }
  return Math.max(sum, usage.statedMicros ?? 0);
}

/** What the rates are multiplied by in a tier; null where its prices are not known. */
export function tierFactor(tier: string, { tiers = {} }: Price): number | null {
  return Object.hasOwn(tiers, tier) ? (tiers[tier] ?? null) : null;
}

/** All of its input, however it is priced, of all passes. */
export function inputTokensOf(usage: Usage): number {
  return (usage.passes ?? []).reduce((sum, pass) => sum + inputOfPass(pass.usage), inputOfPass(usage));
}

/** All of its output, of all passes. */
export function outputTokensOf(usage: Usage): number {
  return (usage.passes ?? []).reduce((sum, pass) => sum + pass.usage.outputTokens, usage.outputTokens);
}

function passMicros(usage: Usage, price: Price): number | UnknownCost {
  const { tier, tools = {} } = usage;
  const factor = tier === undefined ? 1 : tierFactor(tier, price);
  if (factor === null) {
    return {
      unknown: `it was served in the tier "${tier}", whose prices are not known`,
      hasOtherPrices: true,
    };
  }
  const toolMicros = toolCostMicros(tools, price);
  if (typeof toolMicros !== "number") return toolMicros;
  const rates = ratesAt(inputOfPass(usage), price);
  const all = factor * (usage.isRegional ? (price.regionalFactor ?? 1) : 1);
  return (
    tokenCostMicros(usage.inputTokens, all * rates.input) +
    tokenCostMicros(usage.cacheReadTokens, all * rates.cacheRead) +
    tokenCostMicros(usage.cacheWriteTokens, all * rates.cacheWrite) +
    tokenCostMicros(usage.cacheWrite1hTokens ?? 0, all * hourRate(rates)) +
    tokenCostMicros(usage.cacheWrite12hTokens ?? 0, all * halfDayRate(rates)) +
    tokenCostMicros(usage.outputTokens, all * rates.output) +
    toolMicros
  );
}

/** The rates of the highest step that a pass with so much input has gone beyond: they hold for all of its tokens. */
function ratesAt(inputTokens: number, price: Price): Rates {
  return price.steps?.findLast(({ above }) => inputTokens > above) ?? price;
}

function toolCostMicros(uses: Readonly<Record<string, number>>, { tools = {} }: Price): number | UnknownCost {
  let sum = 0;
  for (const [name, count] of Object.entries(uses)) {
    if (count === 0) continue;
    const usd = Object.hasOwn(tools, name) ? tools[name] : undefined;
    if (usd === undefined) {
      return { unknown: `it bills uses of ${name}, which have no known price`, hasOtherPrices: true };
    }
    sum += chargeMicrosFromUsd(count * usd);
  }
  return sum;
}

/** At least 1: a call may be served in the listed tier whatever was asked for. */
function dearestFactor({ tier, isRegional }: WorstCase, price: Price): number {
  const region = isRegional === false ? 1 : (price.regionalFactor ?? 1);
  const asked =
    tier === "listed" ? [] : tier === "any" ? Object.values(price.tiers ?? {}) : [tierFactor(tier, price)];
  const known = asked.filter((factor) => factor !== null);
  assert(known.length === asked.length, `a bound in the tier ${tier}, which has no price`);
  return Math.max(1, ...known) * Math.max(1, region);
}

/** The rates that input can be billed at; what is read from the cache may be dearer than input where the owner says so. */
function inputRates(rates: Rates, cacheWrites: WorstCase["cacheWrites"]): number[] {
  const { input, cacheRead, cacheWrite } = rates;
  const plain = [input, cacheRead];
  if (cacheWrites === "none") return plain;
  const hour = cacheWrites === "1h" || cacheWrites === "any" ? [hourRate(rates)] : [];
  const halfDay = cacheWrites === "12h" || cacheWrites === "any" ? [halfDayRate(rates)] : [];
  return [...plain, cacheWrite, ...hour, ...halfDay];
}

function hourRate({ cacheWrite, cacheWrite1h = cacheWrite }: Rates): number {
  return cacheWrite1h;
}

function halfDayRate(rates: Rates): number {
  return rates.cacheWrite12h ?? Math.max(rates.cacheWrite, hourRate(rates));
}

function inputOfPass(usage: Usage): number {
  const { cacheWrite1hTokens = 0, cacheWrite12hTokens = 0 } = usage;
  const written = usage.cacheWriteTokens + cacheWrite1hTokens + cacheWrite12hTokens;
  return usage.inputTokens + usage.cacheReadTokens + written;
}

/**
 * In pieces, since to put marks in their order takes time by the square of how many follow each other: a request of nothing else
 * would take hours. What is not joined across the end of a piece only counts for more.
 */
function bytesMax(body: string): number {
  const bytes = Buffer.byteLength(body);
  // A byte a character: that is ASCII, which is the same in every form.
  if (bytes === body.length) return bytes;
  let most = 0;
  for (let at = 0; at < body.length; ) {
    const end = endOfPiece(body, at);
    const piece = body.slice(at, end);
    const own = Buffer.byteLength(piece);
    most +=
      own === piece.length
        ? own
        : Math.max(
            own,
            Buffer.byteLength(piece.normalize("NFC")),
            Buffer.byteLength(piece.normalize("NFKC")),
          );
    at = end;
  }
  return Math.max(bytes, most);
}

function endOfPiece(body: string, start: number): number {
  let end = start + PIECE.characters;
  const last = end + PIECE.marks;
  while (end < last && end < body.length && BELONGS_BEFORE.test(body.charAt(end))) end += 1;
  return end;
}
