import { expect, test } from "vitest";
import { firstNumber } from "../../../../src/jobs/sources/page/amount.ts";

test.each([
  ["1.299,00 €", 1299],
  ["1,299.00", 1299],
  ["$1.299", 1299],
  ["EUR 1 299,50", 1299.5],
  ["1\u202f299\u00a0€", 1299],
  ["CHF 1'299.–", 1299],
  ["1.299.000", 1299000],
  ["12.345.678,9", 12345678.9],
  ["12,-", 12],
  ["0.123", 0.123],
  ["12.5 %", 12.5],
  ["-3,5 °C", -3.5],
  ["−3.5", -3.5],
  ["Price: 299,00 € instead of 399,00 €", 299],
  ["of 30.11.2026: 17", 17],
  ["Model XR-7 now 45", 45],
  ["12 300000", 12],
  ["1.2345", 1.2345],
  ["no price", null],
])("%j is %j", (text, value) => {
  expect(firstNumber(text)).toBe(value);
});

test("a decimal mark that is stated decides", () => {
  expect(firstNumber("load 1.234", ".")).toBe(1.234);
  expect(firstNumber("1,234 kg", ",")).toBe(1.234);
});
