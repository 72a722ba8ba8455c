import { createHash } from "node:crypto";
import type { Randomness } from "../lib/ids.ts";

/** Randomness that a seed decides, with the choices that a simulation makes. */
export interface SeededRandom extends Randomness {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  of<const T extends readonly [unknown, ...unknown[]]>(choices: T): T[number];
  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

const BLOCK_WORDS = 1_024;

/** A sequence of its own for each `purpose`: that one part draws more often changes nothing for the others. */
export function seededRandom(seed: number, purpose: string): SeededRandom {
  const digest = createHash("sha256").update(`${seed} ${purpose}`).digest();
  const word = randomWords(digest.readUInt32LE(0));
  const random = () => word() / 2 ** 32;
  const below = (count: number) => Math.floor(random() * count);
  return {
    random,
    bytes(count) {
      // What is longer than a block repeats it: nobody looks so far.
      const words = new Uint32Array(Math.min(BLOCK_WORDS, Math.ceil(count / 4)));
      for (let at = 0; at < words.length; at++) words[at] = word();
      const block = new Uint8Array(words.buffer);
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += block.length) bytes.set(block.subarray(0, count - at), at);
      return bytes;
    },
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (probability) => random() < probability,
    of: (choices) => choices[below(choices.length)],
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries(weights) as [Name, number][];
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      const found = entries.find(([, weight]) => {
        left -= weight;
        return left < 0;
      });
      return (found ?? (entries.at(-1) as [Name, number]))[0];
    },
  };
}

/** Words of 32 bits, the same from the same state: mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function randomWords(firstState: number): () => number {
  let state = firstState >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
