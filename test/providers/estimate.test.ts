import fc from "fast-check";
import { expect, it } from "vitest";
import { costMicros, estimateMicros, tokensMax } from "../../src/providers/estimate.ts";
import type { Price } from "../../src/providers/types.ts";

const PRICE: Price = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 };
const FREE: Price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

it("takes bytes, an allowance per message, and the dearest input price", () => {
  // 100 bytes + 16 x (2 + 1) = 148 tokens at 1.25, 50 tokens at 5, and 6 for rounding.
  expect(estimateMicros("x".repeat(100), 2, 50, PRICE)).toBe(185 + 250 + 6);
});

it("counts bytes, not characters", () => {
  const difference =
    estimateMicros("東".repeat(100), 1, 0, PRICE) - estimateMicros("x".repeat(100), 1, 0, PRICE);
  expect(difference).toBe(200 * 1.25);
});

it("takes the longest of the forms a tokenizer may see: one letter here grows from 3 to 33 bytes", () => {
  const letter = "\uFDFA";
  expect(Buffer.byteLength(letter)).toBe(3);
  expect(Buffer.byteLength(letter.normalize("NFKC"))).toBe(33);
  expect(estimateMicros(letter.repeat(10), 0, 0, PRICE)).toBe(Math.ceil((330 + 16) * 1.25) + 6);
});

it("is 0 for a model that costs nothing", () => {
  expect(estimateMicros("anything", 3, 100_000, FREE)).toBe(0);
});

it("prices each kind of token by its own price, rounded up", () => {
  const usage = { inputTokens: 3, cacheReadTokens: 11, cacheWriteTokens: 1, outputTokens: 2 };
  expect(costMicros(usage, PRICE)).toBe(3 + 2 + 2 + 10);
  expect(
    costMicros({ inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 }, PRICE),
  ).toBe(0);
});

it("prices what is kept for an hour by its own price, and else as what is kept for minutes", () => {
  const usage = {
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 4,
    cacheWrite1hTokens: 8,
    outputTokens: 0,
  };
  expect(costMicros(usage, PRICE)).toBe(5 + 10);
  expect(costMicros(usage, { ...PRICE, cacheWrite1h: 2 })).toBe(5 + 16);
});

it("multiplies the price of a call that was kept in one region, and estimates as if it were", () => {
  const usage = { inputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 10 };
  const price = { ...PRICE, regionalFactor: 1.1 };
  expect(costMicros({ ...usage, isRegional: true }, price)).toBe(111 + 55);
  expect(costMicros(usage, price)).toBe(100 + 50);
  expect(estimateMicros("x".repeat(100), 2, 50, price)).toBe(Math.ceil(148 * 1.1 * 1.25) + 275 + 6);
});

it("is never below the cost of a call that stays within bytes and reply bound", () => {
  const price = fc.integer({ min: 0, max: 200_000 }).map((thousandths) => thousandths / 1000);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const call = fc.record({
    body: fc.string({ unit: "grapheme", maxLength: 200 }),
    messages: fc.integer({ min: 1, max: 20 }),
    output: fc.integer({ min: 1, max: 100_000 }),
    price: fc.record(
      {
        input: price,
        output: price,
        cacheRead: price,
        cacheWrite: price,
        cacheWrite1h: price,
        regionalFactor: fc.constant(1.1),
      },
      { requiredKeys: ["input", "output", "cacheRead", "cacheWrite"] },
    ),
    shares: fc.tuple(share, share, share),
    isRegional: fc.constantFrom(true as const, false as const),
  });
  fc.assert(
    fc.property(call, ({ body, messages, output, price: at, shares: [read, write, hour], isRegional }) => {
      const tokens = Buffer.byteLength(body) + 3 * messages;
      const cacheReadTokens = Math.floor(tokens * read);
      const written = Math.floor((tokens - cacheReadTokens) * write);
      const cacheWrite1hTokens = Math.floor(written * hour);
      const usage = {
        inputTokens: tokens - cacheReadTokens - written,
        cacheReadTokens,
        cacheWriteTokens: written - cacheWrite1hTokens,
        cacheWrite1hTokens,
        outputTokens: output,
        ...(isRegional ? { isRegional } : {}),
      };
      const cost = Number(costMicros(usage, at));
      expect(estimateMicros(body, messages, output, at)).toBeGreaterThanOrEqual(cost);
    }),
  );
});

it("is never below the bytes of any form of the whole text, wherever letters, marks and signs stand", () => {
  const unit = fc.constantFrom(
    "a",
    "K",
    " ",
    "\u0301",
    "\u0331",
    "\ufdfa",
    "ﬁ",
    "é",
    "Å",
    "한",
    "ᄒ",
    "ᅡ",
    "東",
    "😀",
    "½",
    "\u0344",
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const most = tokensMax(text, 0) - 16;
      for (const form of [text, text.normalize("NFC"), text.normalize("NFKC")])
        expect(most).toBeGreaterThanOrEqual(Buffer.byteLength(form));
    }),
    { numRuns: 2_000 },
  );
});
