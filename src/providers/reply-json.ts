/** What JSON text says; undefined, which no JSON text means, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value has keys; a list has them too. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Far beyond what any call can take. A figure above it is a mistake, and as a cost would break the arithmetic. */
const TOKENS_MAX = 1_000_000_000;

/** A provider's token figure; null for anything else than a count, which would make money out of nonsense. */
export function countIn(value: unknown): number | null {
  const isCount = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX;
  return isCount ? value : null;
}

const DEPTH_MAX = 5;
const ITEMS_MAX = 5;

/**
 * A server's own words for what went wrong, wherever it puts them: `error`, `error.message` (OpenAI, Anthropic, Ollama),
 * `message` (Mistral, vLLM), `detail` (FastAPI: a text, or a list of what is wrong where), and these inside each other.
 * Null where it has none. Neither bounded nor redacted; failures.ts makes a line of it.
 */
export function serverWords(said: unknown): string | null {
  return isRecord(said) ? (errorIn(said) ?? wordsIn(said, DEPTH_MAX)) : null;
}

/** The same where there is an `error`, which is how a provider itself says that it failed. */
export function errorIn(said: unknown): string | null {
  return isRecord(said) ? wordsIn(said.error, DEPTH_MAX) : null;
}

function wordsIn(value: unknown, depth: number): string | null {
  if (typeof value === "string") return value.trim() === "" ? null : value;
  if (!isRecord(value) || depth === 0) return null;
  if (Array.isArray(value)) {
    const each = value.slice(0, ITEMS_MAX).map((item) => wordsIn(item, depth - 1));
    return each.filter((words) => words !== null).join("; ") || null;
  }
  for (const key of ["message", "Message", "error", "errors", "detail", "msg"]) {
    const words = wordsIn(value[key], depth - 1);
    if (words === null) continue;
    const where = Array.isArray(value.loc) ? `${value.loc.slice(0, ITEMS_MAX).join(".")}: ` : "";
    return where + words;
  }
  return null;
}
