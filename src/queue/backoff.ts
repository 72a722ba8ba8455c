import type { Randomness } from "../lib/ids.ts";

export const BACKOFF_FIRST_MS = 2_000;
export const BACKOFF_MAX_MS = 600_000;

/**
 * How long to wait after the given attempt (1 for the first): a random share of 2 s doubled per attempt, at most
 * 10 min. Full jitter spreads those that failed together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(attempt: number, randomness: Randomness): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(randomness.random() * ceiling);
}
