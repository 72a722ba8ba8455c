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

/** Keys inside of messages and tools by which something is judged. */
const JUDGED = new Set(
  `role content type text source data url image_url file_id images name model tools function environment execution
  max_uses max_tokens cache_control ttl input_audio item output encrypted_content`.split(/\s+/),
);
/** What stands below them is the client's own data, with whatever keys. */
const FREE_FORM = new Set([
  ...["input_schema", "parameters", "schema", "properties", "arguments", "metadata", "client_metadata"],
  ...["response_format", "output_format", "output_config", "logit_bias"],
]);

/**
 * The same inside of a body, for servers that are not the protocol's own.
 * @throws Forbidden for a key that is another spelling of one by which a message or a tool is judged.
 */
export function requireExactInside(said: Readonly<Record<string, unknown>>): void {
  const left: unknown[] = [said];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) requireExactKeys(value as Record<string, unknown>, JUDGED);
    const isUse = "type" in value && typeof value.type === "string" && value.type.endsWith("tool_use");
    for (const [key, inside] of Object.entries(value)) {
      if (typeof inside !== "object" || inside === null) continue;
      if (!FREE_FORM.has(key) && !(isUse && key === "input")) left.push(inside);
    }
  }
}
