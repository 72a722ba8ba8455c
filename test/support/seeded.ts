import { randomWords } from "../../src/faults/seeded-random.ts";
import type { Randomness } from "../../src/lib/ids.ts";

/** The same randomness in every run. */
export function seededRandomness(seed = 1): Randomness {
  const word = randomWords(seed);
  const random = () => word() / 2 ** 32;
  return { random, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)) };
}
