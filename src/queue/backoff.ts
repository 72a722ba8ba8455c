import type { RetryConfig } from "../config/config.ts";
import type { Randomness } from "../lib/ids.ts";

/**
 * How long to wait after the given attempt (1 for the first): a random share of the first wait doubled per attempt, up to
 * the longest. Full jitter spreads those that failed together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export function backoffMs(attempt: number, retry: RetryConfig, randomness: Randomness): number {
  return shareOf(retry.firstMs * 2 ** Math.min(attempt - 1, 30), retry, randomness);
}

/** The same for what is down since `elapsedMs`, whose failures are not counted: as long again as it has lasted. */
export function outageBackoffMs(elapsedMs: number, retry: RetryConfig, randomness: Randomness): number {
  return shareOf(retry.firstMs + elapsedMs, retry, randomness);
}

function shareOf(ceilingMs: number, { maxMs }: RetryConfig, randomness: Randomness): number {
  return Math.ceil(randomness.random() * Math.min(maxMs, ceilingMs));
}
