import { AfkError } from "../../lib/errors.ts";

/** What a client asks for has no bound on its cost, or needs the owner's leave. */
export class Forbidden extends AfkError {
  /** The field that asks for it, `tools[2]`. */
  readonly param: string;

  constructor(param: string, message: string) {
    super("forbidden", message, { retry: "never" });
    this.param = param;
  }
}

/** The refusal of what only the owner can allow; `what` begins the sentence. */
export function notAllowed(param: string, what: string, allowedBy: string): Forbidden {
  return new Forbidden(
    param,
    `${what} and is not allowed here, so the request was not sent; leave it out. The owner can allow it to a client, in afk.yaml ` +
      `under gateway.clients: allow: [${allowedBy}].`,
  );
}

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
