import { AfkError } from "../lib/errors.ts";
import { createRedactor } from "../lib/redact.ts";

/** One HTTP request to a service outside. */
export interface HttpRequest {
  url: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
}

/** What the service answered: its body is cut at a few kilobytes. */
export interface HttpReply {
  status: number;
  body: string;
}

const REPLY_BYTES_MAX = 16_384;
const EXCERPT_LENGTH_MAX = 200;

/** Makes exactly one request: no retry, no redirect, and of an endless answer only the start. Throws what fetch throws. */
export async function exchange(
  request: HttpRequest,
  signal: AbortSignal,
): Promise<{ reply: HttpReply; retryAfter: string | null }> {
  const { url, authorization } = withoutUserinfo(request.url);
  // Loaded when there is something to send: most ticks have no alert.
  const { ofetch } = await import("ofetch");
  const response = await ofetch.raw(url.href, {
    method: request.method,
    // The outbox is the only thing that retries, and what a refusal means is decided by the caller.
    retry: 0,
    ignoreResponseError: true,
    responseType: "stream",
    headers: { ...authorization, "user-agent": "afk", ...request.headers },
    ...(request.body === undefined ? {} : { body: request.body }),
    // A redirect would carry the alert, and its credentials, to a place that nobody configured.
    redirect: "manual",
    signal,
  });
  const body = await firstBytes(response._data ?? null);
  return { reply: { status: response.status, body }, retryAfter: response.headers.get("retry-after") };
}

/** fetch refuses `https://user:password@host`; the header means the same (RFC 7617). */
function withoutUserinfo(address: string): { url: URL; authorization: Record<string, string> } {
  const url = new URL(address);
  if (url.username === "" && url.password === "") return { url, authorization: {} };
  const userinfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  return { url, authorization: { authorization: `Basic ${Buffer.from(userinfo).toString("base64")}` } };
}

/** The start of the body; the rest, endless perhaps, is not read. */
async function firstBytes(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= REPLY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, REPLY_BYTES_MAX);
}

/** What the service said, without anything that its address is made of: servers like to echo it. */
export function refusal({ status, body }: HttpReply, address: string): string {
  if (status >= 300 && status < 400)
    return `HTTP ${status}: redirects are not followed; configure the final address`;
  const redact = createRedactor([address, ...address.split(/[/?#&=@]/).filter((part) => part.length >= 8)]);
  const excerpt = redact(body).replace(/\s+/g, " ").trim().slice(0, EXCERPT_LENGTH_MAX).toWellFormed();
  const isLie = status >= 200 && status < 300;
  return `HTTP ${status}${isLie ? " but not accepted" : ""}${excerpt === "" ? "" : `: ${excerpt}`}`;
}

/** By code and not by message: the messages of URL and fetch repeat the address. */
export function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "stopped before an answer came";
  if (error instanceof AfkError) return error.message;
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return `the request failed (${code})`;
}
