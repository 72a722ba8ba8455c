import { expect, test } from "vitest";
import { quantile, spreadOf } from "../../bench/harness/statistics.ts";

test("a median and its quartiles lie between the neighbours that they fall between", () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, q1: 1.75, q3: 3.25, count: 4 });
  expect(spreadOf([7])).toEqual({ median: 7, q1: 7, q3: 7, count: 1 });
});

test("a quantile is of the sorted samples, by their value and not by their text", () => {
  expect(quantile([100, 9, 20], 1)).toBe(100);
  expect(quantile([100, 9, 20], 0)).toBe(9);
  expect(quantile([100, 9, 20], 0.99)).toBeCloseTo(98.4);
});

test("no samples have no median", () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});
