import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  capMicrosFromUsd,
  chargeMicrosFromUsd,
  formatUsd,
  tokenCostMicros,
  usdFromMicros,
} from "../../src/lib/money.ts";

/** Amounts as people write them: whole micro-dollars, up to a thousand dollars. */
const micros = fc.integer({ min: 0, max: 1_000_000_000 });
/** Prices as people write them: up to six digits behind the point. */
const price = fc.integer({ min: 0, max: 1_000_000_000 }).map((digits) => digits / 1_000_000);
const tokens = fc.integer({ min: 0, max: 10_000_000 });

describe("a cap", () => {
  test.each([
    [0, 0],
    [1, 1_000_000],
    [0.25, 250_000],
    [0.29, 290_000],
    [0.000001, 1],
    [0.0000019, 1],
    [0.0000009, 0],
    [20, 20_000_000],
  ])("of %d US dollars is %d micro-dollars, rounded down", (usd, expected) => {
    expect(capMicrosFromUsd(usd)).toBe(expected);
  });

  test("is exactly what was written, in whole micro-dollars", () => {
    fc.assert(
      fc.property(micros, (amount) => {
        expect(capMicrosFromUsd(amount / 1_000_000)).toBe(amount);
      }),
    );
  });

  test("is never more than was written, however much that is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000_000_000 }), (amount) => {
        expect(capMicrosFromUsd(amount / 1_000_000)).toBeLessThanOrEqual(amount);
        expect(capMicrosFromUsd(amount / 1_000_000)).toBeGreaterThanOrEqual(amount - 1);
      }),
    );
  });

  test.each([-0.01, Number.NaN, Number.POSITIVE_INFINITY])("cannot be %d", (usd) => {
    expect(() => capMicrosFromUsd(usd)).toThrow("afk bug");
  });
});

describe("a charge", () => {
  test.each([
    [0, 0],
    [0.29, 290_000],
    [0.0000001, 1],
    [0.0000011, 2],
    [1e9, 1e15],
  ])("of %d US dollars is %d micro-dollars, rounded up", (usd, expected) => {
    // Plus 0, since nothing is rounded to -0, which is the same everywhere but here.
    expect(chargeMicrosFromUsd(usd) + 0).toBe(expected);
  });

  test("is exactly what was written, in whole micro-dollars", () => {
    fc.assert(
      fc.property(micros, (amount) => {
        expect(chargeMicrosFromUsd(amount / 1_000_000) + 0).toBe(amount);
      }),
    );
  });

  test.each([-0.000001, Number.NaN, Number.POSITIVE_INFINITY, 1e9 + 1])("cannot be %d", (usd) => {
    expect(() => chargeMicrosFromUsd(usd)).toThrow(RangeError);
  });
});

describe("the cost of tokens", () => {
  test.each([
    [0, 5, 0],
    [1_000_000, 0.15, 150_000],
    [1, 0.15, 1],
    [7, 0.15, 2],
    [1_000, 0, 0],
    [3, 15, 45],
  ])("of %d tokens at %d US dollars per million is %d micro-dollars", (count, usd, expected) => {
    expect(tokenCostMicros(count, usd)).toBe(expected);
  });

  test("is never less than exact, and at most a micro-dollar more than exact and rounded up", () => {
    fc.assert(
      fc.property(tokens, price, (count, usd) => {
        // Millionths of a micro-dollar, in whole numbers.
        const exact = BigInt(count) * BigInt(Math.round(usd * 1_000_000));
        const charged = BigInt(tokenCostMicros(count, usd)) * 1_000_000n;
        expect(charged >= exact - 1n).toBe(true);
        expect(charged < exact + 2_000_000n).toBe(true);
      }),
    );
  });

  test.each([
    [-1, 1],
    [1.5, 1],
    [Number.NaN, 1],
    [1, -1],
    [1, Number.NaN],
    [1, Number.POSITIVE_INFINITY],
  ])("of %d tokens at %d US dollars is a bug, and not free", (count, usd) => {
    expect(() => tokenCostMicros(count, usd)).toThrow("afk bug");
  });
});

describe("for people", () => {
  test.each([
    [0, "$0.00"],
    [1, "$0.000001"],
    [123, "$0.000123"],
    [100, "$0.0001"],
    [10_000, "$0.01"],
    [100_000, "$0.10"],
    [1_000_000, "$1.00"],
    [1_234_500, "$1.2345"],
    [10_000_000, "$10.00"],
    [-500_000, "-$0.50"],
  ])("%d micro-dollars are %s", (amount, text) => {
    expect(formatUsd(amount)).toBe(text);
  });

  test("no micro-dollar is lost in what is shown", () => {
    fc.assert(
      fc.property(micros, (amount) => {
        expect(Math.round(Number(formatUsd(amount).slice(1)) * 1_000_000)).toBe(amount);
        expect(usdFromMicros(amount)).toBe(amount / 1_000_000);
      }),
    );
  });
});
