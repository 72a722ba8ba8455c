import { withoutUserinfo } from "../http/exchange.ts";
import { type OnceReply, requestOnce } from "../http/once.ts";
import { systemClock } from "../lib/clock.ts";
import { CallFailed } from "../rails/call.ts";
import { type FreeErrors, lostFailure, malformedFailure, refusalFailure, type Subject } from "./failures.ts";
import { type Reply, readErrorBody, replyOf } from "./reply.ts";
import type { CallOptions, ProviderOptions } from "./types.ts";

/** Where one provider takes requests, and the headers that every request carries. */
export interface Endpoint extends Pick<Subject, "provider" | "isFree" | "freeErrors" | "missingModelAdvice"> {
  url: URL;
  headers: Record<string, string>;
  secrets: string[];
}

/**
 * The endpoint `path` under `baseUrl`. A user and password in the address become Basic authorization, since
 * an address is shown in messages and logs, and those must hold no secret.
 */
export function endpoint(
  path: string,
  { name, baseUrl, apiKey, isFree = false }: ProviderOptions,
  headers: Record<string, string>,
  rules: { freeErrors?: FreeErrors | null; missingModelAdvice?: (model: string) => string } = {},
): Endpoint {
  const { password } = new URL(baseUrl);
  const { url, authorization } = withoutUserinfo(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return {
    provider: name,
    url,
    isFree,
    freeErrors: rules.freeErrors ?? null,
    missingModelAdvice: rules.missingModelAdvice ?? null,
    headers: { ...authorization, ...headers },
    secrets: [apiKey ?? "", decodeURIComponent(password)].filter((secret) => secret !== ""),
  };
}

/** The header that carries a key as most servers want it (RFC 6750). */
export function bearer(apiKey: string | null): Record<string, string> {
  return apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
}

/**
 * POSTs `body` once and hands the 2xx reply to `take`.
 * @throws CallFailed for everything that goes wrong (failures.ts has the classes).
 */
export async function post<T>(
  to: Endpoint,
  model: string,
  body: string,
  options: CallOptions,
  take: (reply: Reply) => Promise<T>,
): Promise<T> {
  const subject = { ...to, model, address: to.url.origin + to.url.pathname };
  const headers = { ...HEADERS, ...to.headers };
  try {
    const request = { method: "POST", headers, body, ...options };
    return await requestOnce(to.url, request, (reply, limit) => takeReply(subject, reply, limit, take));
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    throw lostFailure(subject, error, options);
  }
}

async function takeReply<T>(
  subject: Subject,
  { status, headers, body }: OnceReply,
  signal: AbortSignal,
  take: (reply: Reply) => Promise<T>,
): Promise<T> {
  const encoding = headers["content-encoding"] ?? "identity";
  const isEncoded = encoding !== "identity";
  if (status < 200 || status > 299) {
    const text = isEncoded ? null : await readErrorBody(body, signal);
    throw refusalFailure(subject, { status, headers, body: text }, systemClock.nowMs());
  }
  if (isEncoded) throw malformedFailure(subject, `its content-encoding is ${encoding}`);
  return await take(replyOf(subject, body));
}

const HEADERS: Record<string, string> = {
  "content-type": "application/json",
  accept: "application/json, application/x-ndjson",
  // Bytes are counted as they come, so they must come as they are.
  "accept-encoding": "identity",
  "user-agent": "afk",
};
