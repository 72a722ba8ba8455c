import type { ChannelConfig } from "../config/config.ts";
import { AfkError } from "../lib/errors.ts";
import { createRedactor } from "../lib/redact.ts";
import type { ChannelReply, ChannelRequest } from "./channels/channel.ts";
import { CHANNELS } from "./channels/registry.ts";
import type { AlertPayload } from "./events.ts";

/**
 * What came of one try. `error` is for people and holds no address and no token. `isChannelDown` is true when
 * another alert would fare the same at present.
 */
export type SendResult =
  | { ok: true }
  | { ok: false; error: string; retryAfterMs: number | null; isChannelDown: boolean };

export interface SendOptions {
  /** Ends the try from outside, a kill switch say. */
  signal: AbortSignal;
  /** Bound on the whole try. 5 s unless stated. */
  timeoutMs?: number;
  /** For a `Retry-After` that names a date. */
  nowMs: number;
}

export const SEND_TIMEOUT_MS = 5_000;

/** Sends one alert through one channel: exactly one request, no retry, no redirect. Never throws. */
export async function sendAlert(
  payload: AlertPayload,
  config: ChannelConfig,
  options: SendOptions,
): Promise<SendResult> {
  return (await trySending(payload, config, options)).result;
}

/** The same, with the HTTP status that was answered; null when no answer came. */
export async function trySending(
  payload: AlertPayload,
  config: ChannelConfig,
  options: SendOptions,
): Promise<{ result: SendResult; status: number | null }> {
  const channel = CHANNELS[config.type];
  const timeout = AbortSignal.timeout(options.timeoutMs ?? SEND_TIMEOUT_MS);
  try {
    const request = channel.request(payload, config);
    const { reply, retryAfter } = await post(request, AbortSignal.any([options.signal, timeout]));
    const isYes = reply.status >= 200 && reply.status < 300;
    const { status } = reply;
    if (isYes && channel.isAccepted(reply)) return { result: { ok: true }, status };
    const result: SendResult = {
      ok: false,
      error: refusal(reply, config),
      retryAfterMs: channel.retryAfterMs?.(reply) ?? retryAfterMs(retryAfter, options.nowMs),
      isChannelDown: !ABOUT_THE_ALERT.has(status),
    };
    return { result, status };
  } catch (error) {
    const message =
      timeout.aborted && !options.signal.aborted ? "no answer in time" : reasonOf(error, options.signal);
    return { result: { ok: false, error: message, retryAfterMs: null, isChannelDown: true }, status: null };
  }
}

/** Refusals of this alert's content (RFC 9110, section 15.5); another may pass. */
const ABOUT_THE_ALERT = new Set([400, 413, 422]);
const REPLY_BYTES_MAX = 16_384;
const EXCERPT_LENGTH_MAX = 200;

async function post(
  request: ChannelRequest,
  signal: AbortSignal,
): Promise<{ reply: ChannelReply; retryAfter: string | null }> {
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
    body: request.body,
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
function refusal({ status, body }: ChannelReply, config: ChannelConfig): string {
  if (status >= 300 && status < 400)
    return `HTTP ${status}: redirects are not followed; configure the final address`;
  const redact = createRedactor([
    config.url,
    ...config.url.split(/[/?#&=@]/).filter((part) => part.length >= 8),
  ]);
  const excerpt = redact(body).replace(/\s+/g, " ").trim().slice(0, EXCERPT_LENGTH_MAX).toWellFormed();
  const isLie = status >= 200 && status < 300;
  return `HTTP ${status}${isLie ? " but not accepted" : ""}${excerpt === "" ? "" : `: ${excerpt}`}`;
}

/** By code and not by message: the messages of URL and fetch repeat the address. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "stopped before an answer came";
  if (error instanceof AfkError) return error.message;
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return `the request failed (${code})`;
}

/** Seconds or an HTTP date (RFC 9110, section 10.2.3); null for anything else. */
function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d{1,10}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
