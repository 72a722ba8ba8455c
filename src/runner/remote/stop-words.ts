import { HOUR_MS, MINUTE_MS } from "../../lib/durations.ts";

/** After this long a message is not obeyed; a stop counts for longer, since what it meant to end may be running still. */
export const OLD_MS = 10 * MINUTE_MS;
const STOP_OLD_MS = HOUR_MS;

/**
 * Whether a text asks for the stop. Whoever is in a hurry types as it comes: capitals, a slash, marks, `@botname` and `please` are
 * taken. Nothing else: `stop the digest` and `do not stop` are for the table of verbs to judge.
 */
export function isStop(text: string): boolean {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/@\w+/g, " ")
    .replace(/[^\p{L}\p{N}'’]+/gu, " ")
    .trim()
    .split(" ")
    .filter((word) => !POLITE.has(word));
  return words.length > 0 && words.length <= 5 && words.every((word) => STOP.has(word));
}

const STOP = new Set(["stop", "stopp", "halt"]);
const POLITE = new Set(["please", "pls", "afk", "it", "all", "now"]);

/** The same for a stop with its reason: `stop the bill looks odd`. It is as urgent, and counts for as long. */
export function asksToStop(text: string): boolean {
  return isStop(text) || /^stop\b/i.test(text.normalize("NFKC").trim().replace(/^\//, ""));
}

/** Whether a message of that age is too old to be obeyed. */
export function isTooOld(text: string, ageMs: number): boolean {
  return ageMs > (asksToStop(text) ? STOP_OLD_MS : OLD_MS);
}
