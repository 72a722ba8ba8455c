import { Forbidden } from "./forbidden.ts";

/** As servers compare keys that take no notice of case: the long s is an s to them, and the Kelvin sign a k. */
const folded = (key: string) => key.toUpperCase().toLowerCase();

/**
 * Servers written in Go, Ollama among them, take `Model` for `model`, and of two such keys the last one: a request could name one
 * model here and another one there.
 * @throws Forbidden for a top-level key that is another spelling of a known one.
 */
export function requireExactKeys(said: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): void {
  for (const key of Object.keys(said)) {
    const meant = folded(key);
    if (known.has(key) || !known.has(meant)) continue;
    const shown = key.slice(0, 60);
    throw new Forbidden(
      shown,
      `${shown}: servers differ in whether they take this key for ${meant}. Send it as ${meant}.`,
    );
  }
}
