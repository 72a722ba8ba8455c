/** Far beyond what any call can take. A figure above it is a mistake, and as a cost would break the arithmetic. */
const TOKENS_MAX = 1_000_000_000;

/** A provider's token figure; null for anything else than a count, which would make money out of nonsense. */
export function countIn(value: unknown): number | null {
  const isCount = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX;
  return isCount ? value : null;
}
