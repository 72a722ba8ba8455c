import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Randomness } from "../../lib/ids.ts";
import { replace } from "./replace.ts";

/** Makes the randomness of this thread, ids and jitter, that of `current()`. */
export function installRandomness(current: () => Randomness): void {
  replace(Math, "random", () => current().random());
  replace(crypto, "randomBytes", (count: number) => Buffer.from(current().bytes(count)));
  syncBuiltinESMExports();
}
