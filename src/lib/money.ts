import { assert } from "./errors.ts";

/**
 * Money is integer micro-dollars, since `tokens x (USD per million tokens)` is exactly micro-dollars.
 * Everything that is charged is rounded up.
 */
export const MICROS_PER_USD = 1_000_000;

/** Caps and prices come as dollars; a cap is rounded down, so that rounding never raises it. */
export function capMicrosFromUsd(usd: number): number {
  assert(Number.isFinite(usd) && usd >= 0, `a cap of ${usd}`);
  // 0.29 * 1e6 is 289999.99999999994: what is within a millionth of a micro-dollar is the number that was written.
  return Math.floor(usd * MICROS_PER_USD + 1e-6);
}

/** What is charged, from dollars: rounded up. Throws for what is not an amount, which must never count as free. */
export function chargeMicrosFromUsd(usd: number): number {
  if (!Number.isFinite(usd) || usd < 0 || usd > 1e9)
    throw new RangeError(`${usd} is not an amount in US dollars`);
  return Math.max(0, Math.ceil(usd * MICROS_PER_USD - 1e-6));
}

/** Cost of `tokens` at `usdPerMillion`, in micro-dollars, rounded up. */
export function tokenCostMicros(tokens: number, usdPerMillion: number): number {
  assert(Number.isSafeInteger(tokens) && tokens >= 0, `a token count of ${tokens}`);
  assert(Number.isFinite(usdPerMillion) && usdPerMillion >= 0, `a price of ${usdPerMillion}`);
  return Math.ceil(tokens * usdPerMillion);
}

/** Dollars of an amount in micro-dollars. */
export function usdFromMicros(micros: number): number {
  return micros / MICROS_PER_USD;
}

/** `$0.000123` for people: at least cents, at most micro-dollars, no trailing zeros beyond cents. */
export function formatUsd(micros: number): string {
  const text = usdFromMicros(Math.abs(micros))
    .toFixed(6)
    .replace(/0{1,4}$/, "");
  return `${micros < 0 ? "-" : ""}$${text}`;
}

/** US dollars that came as a number, as they are shown to people. */
export function dollarText(usd: number): string {
  return formatUsd(Math.round(usd * MICROS_PER_USD));
}
