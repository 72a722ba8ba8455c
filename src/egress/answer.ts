import { messageOf } from "../lib/errors.ts";
import { BodyTooLarge } from "./body.ts";

/** Names in lower case; a header that came several times is joined by commas. */
export type AnswerHeaders = Record<string, string | undefined>;

export function joinHeaders(raw: Record<string, string | string[] | undefined>): AnswerHeaders {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  );
}

/** undici looks at the signal only once it is connected; a kill switch does not wait for that. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Why a request failed, in words. */
export function explain(error: unknown, isTimeout: boolean): string {
  if (isTimeout) return "it took too long";
  if (error instanceof BodyTooLarge) return `its body is larger than afk reads (${error.message})`;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return [messageOf(error), code].find((text) => text !== "") ?? "unknown error";
}
