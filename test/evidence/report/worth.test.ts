import fc from "fast-check";
import { expect, test } from "vitest";
import { ratioThousandths, savedMicros } from "../../../src/evidence/report/sums.ts";

test("value is units x minutes / 60 x rate, in whole micro-dollars", () => {
  expect(savedMicros(6, 30, 60)).toBe(180_000_000);
  expect(savedMicros(1, 1, 1)).toBe(16_666);
  expect(savedMicros(3, 1, 1)).toBe(50_000);
  expect(savedMicros(0, 30, 60)).toBe(0);
});

test("fractions of minutes and of rates lose nothing before the end", () => {
  expect(savedMicros(3, 0.1, 0.2)).toBe(1_000);
  expect(savedMicros(1_000_000, 0.29, 0.29)).toBe(Math.floor((1e6 * 290_000 * 290_000) / 6e7));
});

test("more output is never worth less, and nothing rounds up", () => {
  const minutes = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(fc.nat(10_000), minutes, fc.nat(1_000), (units, thousandths, rate) => {
      const value = savedMicros(units, thousandths / 1000, rate);
      expect(savedMicros(units + 1, thousandths / 1000, rate)).toBeGreaterThanOrEqual(value);
      expect(BigInt(value) * 60_000n).toBeLessThanOrEqual(
        BigInt(units) * BigInt(thousandths) * BigInt(rate) * 1_000_000n,
      );
    }),
  );
});

test("there is no ratio to nothing, and a ratio is never rounded up over a floor", () => {
  expect(ratioThousandths(5, 0)).toBeNull();
  expect(ratioThousandths(1_999_999, 1_000_000)).toBe(1_999);
});
