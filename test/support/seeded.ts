import type { Randomness } from "../../src/lib/ids.ts";

/** The same randomness in every run (mulberry32). */
export function seededRandomness(seed = 1): Randomness {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    random,
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
  };
}
