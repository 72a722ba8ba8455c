import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Randomness } from "../../lib/ids.ts";

/** Puts `value` in the place of a member that other code finds by its name, in this thread. */
export function replace<Target extends object>(target: Target, name: keyof Target, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
}

/** Makes the randomness of this thread, ids and jitter, that of `current()`. */
export function installRandomness(current: () => Randomness): void {
  replace(Math, "random", () => current().random());
  replace(crypto, "randomBytes", (count: number) => Buffer.from(current().bytes(count)));
  syncBuiltinESMExports();
}
