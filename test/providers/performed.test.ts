import { expect, it } from "vitest";
import { anthropicFigures } from "../../src/providers/anthropic/usage.ts";
import { type Asked, costOf } from "../../src/providers/performed.ts";
import type { Figures, Price } from "../../src/providers/types.ts";

const PRICE: Price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, tools: { web_search: 0.01 } };
const ASKED: Asked = { reference: "anthropic/test", price: PRICE, isFree: false, outputTokensMax: 100 };
const FREE: Asked = { ...ASKED, price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, isFree: true };
const tokens = (inputTokens: number, outputTokens: number, more: object = {}) => ({
  inputTokens,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens,
  ...more,
});
const cost = (figures: Figures, asked = ASKED, isEmptyReply = false) =>
  costOf(asked, { isEmptyReply, figures });
const pass = (type: string, input: number, output: number, more: object = {}) => ({
  type,
  input_tokens: input,
  output_tokens: output,
  ...more,
});

it("counts the tokens of all passes, and bills uses of tools", () => {
  const passes = [{ model: null, usage: tokens(5, 2) }];
  expect(cost(tokens(10, 5, { passes, tools: { web_search: 2 } }))).toEqual({
    costMicros: 15 * 3 + 7 * 15 + 20_000,
    inputTokens: 15,
    outputTokens: 7,
  });
});

it("prices a pass of another model where its price is known, and else does not know the cost", () => {
  const figures = tokens(10, 5, { passes: [{ model: "advisor", usage: tokens(100, 10) }] });
  const priceOf = (model: string) => (model === "advisor" ? { ...PRICE, input: 5, output: 25 } : null);
  expect(cost(figures, { ...ASKED, priceOf }).costMicros).toBe(30 + 75 + 500 + 250);
  expect(() => cost(figures)).toThrow("it bills passes of advisor, whose price is not known");
});

it.each<[string, Figures, "now" | "count"]>([
  ["figures that say nothing", { unknown: "it says nothing" }, "count"],
  ["no tokens", tokens(0, 0), "count"],
  ["input that took nothing", tokens(0, 5), "count"],
  ["a reply without output", tokens(10, 0), "count"],
  ["other prices", { unknown: "it is priced otherwise", hasOtherPrices: true }, "now"],
  ["a tier without a price", tokens(10, 5, { tier: "priority" }), "now"],
  ["a tool without a price", tokens(10, 5, { tools: { telepathy: 1 } }), "now"],
])("leaves the cost unknown for %s", (_, figures, trip) => {
  expect(() => cost(figures)).toThrow(expect.objectContaining({ charge: "unknown", trip, fault: "reply" }));
});

it("takes a reply that is empty for one without output", () => {
  expect(cost(tokens(10, 0), ASKED, true).costMicros).toBe(30);
});

it("costs nothing where the model does, whatever the figures say, and counts what they count", () => {
  expect(cost(tokens(10, 5, { tier: "priority", tools: { telepathy: 1 } }), FREE)).toEqual({
    costMicros: 0,
    inputTokens: 10,
    outputTokens: 5,
  });
  expect(cost({ unknown: "it says nothing" }, FREE)).toEqual({
    costMicros: 0,
    inputTokens: null,
    outputTokens: null,
  });
});

it.each<[string, unknown[] | null, string | null]>([
  ["the whole reply", null, "a reply of 150 tokens, more than the 100 that bounded it"],
  ["none of its passes", [pass("message", 10, 90), pass("message", 10, 60)], null],
  ["a later pass", [pass("message", 10, 20), pass("message", 10, 130)], "a reply of 130 tokens, more than"],
  [
    "compaction, which is no reply",
    [pass("compaction", 9, 400), pass("message", 10, 90), pass("message", 10, 60)],
    null,
  ],
])("compares with the bound %s", (_, iterations, aboveBound) => {
  const figures = anthropicFigures({ input_tokens: 20, output_tokens: 150, iterations });
  const said = cost(figures).aboveBound ?? null;
  if (aboveBound === null) expect(said).toBeNull();
  else expect(said).toContain(aboveBound);
});
