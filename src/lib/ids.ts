import { randomBytes } from "node:crypto";

/** A source of randomness: `random()` in [0, 1) for jitter, `bytes(n)` for ids, which are no secrets. Tests inject a seeded one. */
export interface Randomness {
  random(): number;
  bytes(count: number): Uint8Array;
}

/** Randomness of this machine. */
export const systemRandomness: Randomness = {
  random: () => Math.random(),
  bytes: (count) => randomBytes(count),
};

/** Bytes of a secret. They are the system's own always: what a caller could give instead might be known to others. */
export function secretBytes(count: number): Buffer {
  return randomBytes(count);
}

/** Digits and letters without those that look alike. */
export const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** A ULID in lower case: 10 characters of time, 16 of randomness; sorts by the moment it was made. */
export function newId(nowMs: number, randomness: Randomness = systemRandomness): string {
  let time = "";
  let rest = Math.max(0, Math.floor(nowMs));
  for (let i = 0; i < 10; i++) {
    time = CROCKFORD[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let noise = "";
  for (const byte of randomness.bytes(16)) noise += CROCKFORD[byte % 32];
  return time + noise;
}

/** The end of an id tells it from others of the same minute; its beginning is the time. */
const SHORT_CHARS = 8;

/** As much of an id as tables and alerts have room for; every command takes it for the id. */
export function shortId(id: string): string {
  return id.slice(-SHORT_CHARS);
}
