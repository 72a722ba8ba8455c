import fc from "fast-check";
import { expect, test } from "vitest";
import type { Randomness } from "../../src/lib/ids.ts";
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, backoffMs } from "../../src/queue/backoff.ts";
import { seededRandomness } from "../support/seeded.ts";

const always = (value: number): Randomness => ({ random: () => value, bytes: () => new Uint8Array() });
const ALMOST_ONE = 1 - 2 ** -53;

test("the longest wait doubles from 2 s with each attempt, to 10 min", () => {
  const longest = Array.from({ length: 12 }, (_, index) => backoffMs(index + 1, always(ALMOST_ONE)));
  expect(longest).toEqual([
    2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000, 600_000, 600_000,
  ]);
});

test("is a whole number of milliseconds between nothing and the bound, for any attempt and any chance", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
      (attempt, chance) => {
        const waitMs = backoffMs(attempt, always(chance));
        const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(bound);
        // The whole span is used: the wait is the share that chance says.
        expect(Math.abs(waitMs - chance * bound)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("spreads what failed together over the whole span", () => {
  const randomness = seededRandomness(7);
  const waits = Array.from({ length: 1_000 }, () => backoffMs(5, randomness));
  for (let quarter = 0; quarter < 4; quarter++) {
    const share = waits.filter((wait) => Math.min(3, Math.floor(wait / 8_000)) === quarter).length;
    expect(share).toBeGreaterThan(150);
  }
});
