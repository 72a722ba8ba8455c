import { setTimeout as pause } from "node:timers/promises";

/** What another machine does cannot be awaited, only looked at: asks until it is so, and fails with `what` otherwise. */
export async function eventually(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  for (const until = performance.now() + timeoutMs; performance.now() < until; await pause(200)) {
    if (await isSo()) return;
  }
  throw new Error(`not within ${timeoutMs / 1_000} s: ${what}`);
}
