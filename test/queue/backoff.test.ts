import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { backoffMs, outageBackoffMs } from "../../src/queue/fail.ts";
import { seededRandomness } from "../support/seeded.ts";

const always = (value: number): Randomness => ({ random: () => value, bytes: () => new Uint8Array() });
const ALMOST_ONE = 1 - 2 ** -53;
const MINUTE = 60_000;

test("the longest wait doubles from 30 s with each attempt, to 1 h", () => {
  const longest = Array.from({ length: 9 }, (_, i) => backoffMs(i + 1, DEFAULT_RETRY, always(ALMOST_ONE)));
  expect(longest.map((ms) => ms / MINUTE)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test("the longest wait for what is down is as long as it has been down, from the first wait to the longest", () => {
  const longest = [0, MINUTE, 10 * MINUTE, 600 * MINUTE].map((elapsedMs) =>
    outageBackoffMs(elapsedMs, DEFAULT_RETRY, always(ALMOST_ONE)),
  );
  expect(longest.map((ms) => ms / MINUTE)).toEqual([0.5, 1.5, 10.5, 60]);
});

test("is a whole number of milliseconds between nothing and the bound, for any attempt, numbers and chance", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1_000, max: 100_000_000 }),
      fc.integer({ min: 1_000, max: 100_000_000 }),
      fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
      (attempt, firstMs, maxMs, chance) => {
        const waitMs = backoffMs(attempt, { ...DEFAULT_RETRY, firstMs, maxMs }, always(chance));
        const bound = Math.min(maxMs, firstMs * 2 ** (attempt - 1));
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
  const waits = Array.from({ length: 1_000 }, () => backoffMs(1, DEFAULT_RETRY, randomness));
  for (let quarter = 0; quarter < 4; quarter++) {
    const share = waits.filter((wait) => Math.min(3, Math.floor(wait / 7_500)) === quarter).length;
    expect(share).toBeGreaterThan(150);
  }
});
