import { AfkError } from "../lib/errors.ts";
import { createRedactor } from "../lib/redact.ts";

/** One HTTP request to a service outside, of the kind that costs nothing and may be repeated. */
export interface HttpRequest {
  url: string;
  method: "GET" | "HEAD" | "POST";
  headers: Record<string, string>;
  body?: string;
}

/** What the service answered. */
export interface HttpReply {
  status: number;
  /** As UTF-8 text, cut at the bound. */
  body: string;
}

const REPLY_BYTES_MAX = 16_384;
const EXCERPT_LENGTH_MAX = 200;

/**
 * Makes exactly one request: no retry, no redirect, and of an endless answer only the first `bytesMax` bytes (16,384 unless
 * stated). Throws what fetch throws.
 */
export async function exchange(
  request: HttpRequest,
  signal: AbortSignal,
  bytesMax = REPLY_BYTES_MAX,
): Promise<{ reply: HttpReply; headers: Headers; isCut: boolean }> {
  const { url, authorization } = withoutUserinfo(request.url);
  // Loaded when there is something to send: most ticks have no alert.
  const { ofetch } = await import("ofetch");
  const response = await ofetch.raw(url.href, {
    method: request.method,
    // Whoever asks decides when to ask again, and what a refusal means.
    retry: 0,
    ignoreResponseError: true,
    responseType: "stream",
    headers: { ...authorization, "user-agent": "afk", ...request.headers },
    ...(request.body === undefined ? {} : { body: request.body }),
    // A redirect would carry the request, and its credentials, to a place that nobody configured.
    redirect: "manual",
    signal,
  });
  const { text, isCut } = await firstBytes(response._data ?? null, bytesMax);
  return { reply: { status: response.status, body: text }, headers: response.headers, isCut };
}

/** An address without user and password, and the header that means the same (RFC 7617), since addresses get shown. */
export function withoutUserinfo(address: string): { url: URL; authorization: Record<string, string> } {
  const url = new URL(address);
  if (url.username === "" && url.password === "") return { url, authorization: {} };
  const userinfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  return { url, authorization: { authorization: `Basic ${Buffer.from(userinfo).toString("base64")}` } };
}

/** The start of the body; the rest, endless perhaps, is not read. */
async function firstBytes(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<{ text: string; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > bytesMax) break;
  }
  return { text: Buffer.concat(chunks).toString("utf8", 0, bytesMax), isCut: bytes > bytesMax };
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

/** Why no answer came: by code and not by message, since the messages of URL and fetch repeat the address. */
export function failureOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "stopped before an answer came";
  if (error instanceof AfkError) return error.message;
  return `the request failed (${codeOf(error) ?? "unknown"})`;
}

/** The code of the error that is innermost, such as ECONNREFUSED. */
export function codeOf(error: unknown): string | null {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error && "code" in cause ? String(cause.code) : null;
}
