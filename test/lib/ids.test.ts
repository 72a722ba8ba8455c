import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newId, systemRandomness } from "../../src/lib/ids.ts";
import { seededRandomness } from "../support/seeded.ts";

const END_OF_TIME = 8_640_000_000_000_000;

describe("an id", () => {
  test("is 26 characters of Crockford's alphabet in lower case", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: END_OF_TIME }), (nowMs) => {
        expect(newId(nowMs)).toMatch(/^[0-9abcdefghjkmnpqrstvwxyz]{26}$/);
      }),
    );
  });

  test("begins with the moment it was made, as a ULID does", () => {
    // The example of https://github.com/ulid/spec: 01ARZ3NDEK is 1469922850259.
    expect(newId(1_469_922_850_259).slice(0, 10)).toBe("01arz3ndek".toLowerCase());
  });

  test("sorts by the moment it was made", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: END_OF_TIME - 1 }),
        fc.integer({ min: 1, max: 1_000_000_000 }),
        (nowMs, laterMs) => {
          const later = Math.min(END_OF_TIME, nowMs + laterMs);
          expect(newId(nowMs) < newId(later)).toBe(true);
        },
      ),
    );
  });

  test("is another one each time, also within a millisecond", () => {
    const ids = Array.from({ length: 10_000 }, () => newId(1));
    expect(new Set(ids).size).toBe(10_000);
  });

  test("follows from the moment and the randomness it is given", () => {
    expect(newId(1, seededRandomness(3))).toBe(newId(1, seededRandomness(3)));
    expect(newId(1, seededRandomness(3))).not.toBe(newId(1, seededRandomness(4)));
  });

  test("of a clock before 1970 is an id all the same", () => {
    expect(newId(-5).slice(0, 10)).toBe("0000000000");
  });
});

test("the system's randomness is within [0, 1), and gives as many bytes as are asked for", () => {
  for (let time = 0; time < 1_000; time++) {
    const chance = systemRandomness.random();
    expect(chance >= 0 && chance < 1).toBe(true);
  }
  expect(systemRandomness.bytes(16)).toHaveLength(16);
});
