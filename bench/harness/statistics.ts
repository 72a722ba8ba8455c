/** A median with its quartiles, over `count` samples. */
export interface Spread {
  median: number;
  q1: number;
  q3: number;
  count: number;
}

/** @throws RangeError without samples. */
export function spreadOf(samples: readonly number[]): Spread {
  return {
    median: quantile(samples, 0.5),
    q1: quantile(samples, 0.25),
    q3: quantile(samples, 0.75),
    count: samples.length,
  };
}

/**
 * The value below which this share of the samples lies, between neighbours by straight line (R-7 of Hyndman and Fan,
 * what spreadsheets call PERCENTILE).
 * @throws RangeError without samples.
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new RangeError("a quantile of no samples");
  return below + (above - below) * (at - Math.floor(at));
}
