import { createHash } from "node:crypto";
import { secretBytes } from "./ids.ts";

const BYTES = 32;
const HINT_CHARS = 6;

/** A key for a client of the gateway that nobody guesses: `afk_` and 64 hexadecimal digits, which stand in a path as they are. */
export function newClientKey(): string {
  return `afk_${secretBytes(BYTES).toString("hex")}`;
}

/** SHA-256 of a key, by which it is kept and found: 32 bytes. */
export function hashOfKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The end of a key, by which a person knows it again. */
export function hintOfKey(key: string): string {
  return key.slice(-HINT_CHARS);
}
