import { tokenCostMicros } from "../lib/money.ts";
import type { Price, Usage } from "./types.ts";

/** What a provider adds around one message, and once around the conversation, in tokens; seen are 3 to 7. */
const TOKENS_PER_MESSAGE = 16;

/** `costMicros` rounds each of the four kinds of input up by itself, the estimate only their sum. */
const ROUNDING_MICROS = 3;

/** The most a call can cost, in micro-dollars. */
export function estimateMicros(
  body: string,
  messageCount: number,
  maxOutputTokens: number,
  price: Price,
): number {
  const inputTokens = tokensMax(body, messageCount);
  const inputPrice = Math.max(price.input, price.cacheRead, price.cacheWrite, price.cacheWrite1h ?? 0);
  const rounding = inputPrice > 0 ? ROUNDING_MICROS : 0;
  const { regionalFactor: factor = 1 } = price;
  return (
    tokenCostMicros(inputTokens, factor * inputPrice) +
    tokenCostMicros(maxOutputTokens, factor * price.output) +
    rounding
  );
}

/**
 * The most tokens of input that a request can be. A token of a byte-level tokenizer covers at least one byte, so the bytes
 * of the whole serialised request bound its tokens; tokenizers that normalise first may see more bytes than were sent,
 * hence the largest of three forms.
 */
export function tokensMax(body: string, messageCount: number): number {
  return bytesMax(body) + TOKENS_PER_MESSAGE * (messageCount + 1);
}

/** What a call cost by the provider's own figures, in micro-dollars. */
export function costMicros(usage: Usage, price: Price): number {
  const factor = usage.isRegional ? (price.regionalFactor ?? 1) : 1;
  return (
    tokenCostMicros(usage.inputTokens, factor * price.input) +
    tokenCostMicros(usage.cacheReadTokens, factor * price.cacheRead) +
    tokenCostMicros(usage.cacheWriteTokens, factor * price.cacheWrite) +
    tokenCostMicros(usage.cacheWrite1hTokens ?? 0, factor * (price.cacheWrite1h ?? price.cacheWrite)) +
    tokenCostMicros(usage.outputTokens, factor * price.output)
  );
}

/** All of its input, however it is priced. */
export function inputTokensOf(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + (usage.cacheWrite1hTokens ?? 0);
}

function bytesMax(body: string): number {
  const bytes = Buffer.byteLength(body);
  // A byte a character: that is ASCII, which is the same in every form.
  if (bytes === body.length) return bytes;
  const forms = [body.normalize("NFC"), body.normalize("NFKC")];
  return Math.max(bytes, ...forms.map((form) => Buffer.byteLength(form)));
}
