import { assertNever } from "../../../lib/errors.ts";
import type { Answer, Refusal, RequestHead } from "../protocol.ts";

/** How one refusal is said: OpenAI's `type` and `code` of it, and the status. */
interface Said {
  status: number;
  type: string;
  code: string | null;
  param?: string;
  retryAfterMs?: number;
  /** It fits later: the client may ask again by itself. */
  mayRetry?: true;
  resetsAtMs?: number | null;
}

/**
 * How OpenAI's clients are told, so that each of them stops. Codex tries every 4xx six times and every 5xx thirty times, but 400,
 * 429, and 503 of a full server; it shows the message of a 400 alone.
 */
export function refuse(refusal: Refusal, head: RequestHead): Answer {
  const said = saidToClient(refusal, head);
  const { status, type, code, param = null, retryAfterMs, mayRetry, resetsAtMs } = said;
  const error = {
    message: refusal.message,
    type,
    param,
    code,
    // In seconds; Codex tells its user when.
    ...(resetsAtMs === undefined || resetsAtMs === null ? {} : { resets_at: Math.ceil(resetsAtMs / 1000) }),
  };
  return {
    status,
    headers: {
      "content-type": "application/json",
      ...(mayRetry ? {} : { "x-should-retry": "false" }),
      ...(retryAfterMs === undefined
        ? {}
        : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    },
    body: JSON.stringify({ error }),
  };
}

function saidToClient(refusal: Refusal, head: RequestHead): Said {
  if (isCodex(head)) return saidToCodex(refusal);
  const said = saidTo(refusal, isResponses(head));
  if (refusal.type !== "breaker" && refusal.type !== "unavailable") return said;
  const agent = head.headers["user-agent"] ?? "";
  // Neither reads x-should-retry. The one asks seven times in two minutes at any 5xx without this code; the other sleeps
  // until retry-after is over, also at 400, and asks again, for ever.
  if (agent.startsWith("langchainjs")) return { ...said, code: "insufficient_quota" };
  return agent.startsWith("opencode/") ? { status: 403, type: "permission_error", code: said.code } : said;
}

function saidTo(refusal: Refusal, isResponses: boolean): Said {
  switch (refusal.type) {
    case "cap":
    case "cap_smaller":
      return { status: 402, type: "insufficient_quota", code: "insufficient_quota" };
    case "busy":
      return {
        status: 429,
        type: "rate_limit_error",
        code: "rate_limit_exceeded",
        retryAfterMs: refusal.retryAfterMs,
        mayRetry: true,
      };
    case "killed":
      return { status: 403, type: "permission_error", code: "afk_killed" };
    case "breaker":
      return {
        status: 503,
        type: "service_unavailable_error",
        code: "afk_breaker_open",
        retryAfterMs: refusal.retryAfterMs,
      };
    case "forbidden":
      return { status: 400, type: "invalid_request_error", code: null, param: refusal.param };
    case "model":
      return {
        status: isResponses ? 400 : 404,
        type: "invalid_request_error",
        code: "model_not_found",
        param: "model",
      };
    case "unavailable":
      return { status: 503, type: "service_unavailable_error", code: "afk_unavailable" };
    case "key":
      return { status: 401, type: "invalid_request_error", code: "invalid_api_key" };
    case "route":
      return { status: 404, type: "invalid_request_error", code: "unknown_url" };
    case "upgrade":
      return { status: 426, type: "invalid_request_error", code: "upgrade_required" };
    case "invalid":
      return { status: 400, type: "invalid_request_error", code: null };
    case "too_large":
      return { status: 413, type: "invalid_request_error", code: "request_too_large" };
    case "lost":
      return { status: 502, type: "api_error", code: "afk_provider_lost" };
    default:
      return assertNever(refusal);
  }
}

function saidToCodex(refusal: Refusal): Said {
  switch (refusal.type) {
    case "cap":
    case "cap_smaller":
      return {
        status: 429,
        type: "usage_limit_reached",
        code: "usage_limit_reached",
        resetsAtMs: refusal.resetsAtMs,
      };
    case "busy":
    case "lost":
      return {
        status: 503,
        type: "service_unavailable_error",
        code: "server_is_overloaded",
        ...(refusal.type === "busy" ? { retryAfterMs: refusal.retryAfterMs, mayRetry: true } : {}),
      };
    case "killed":
    case "breaker":
    case "unavailable":
    case "model":
    case "too_large":
      return { ...saidTo(refusal, true), status: 400 };
    default:
      return saidTo(refusal, true);
  }
}

/** Codex names itself in `originator`, and begins its user-agent with that name. */
export function isCodex({ headers }: Pick<RequestHead, "headers">): boolean {
  return [headers.originator, headers["user-agent"]].some((name) => /^codex/i.test(name ?? ""));
}

function isResponses({ path }: RequestHead): boolean {
  return /\/responses(\/|$)/.test(path);
}

/** The error in place of a chunk: both SDKs raise it, and no `[DONE]` follows. */
export function chatStreamError(refusal: Refusal, head: RequestHead): string {
  const { error } = JSON.parse(refuse(refusal, { ...head, headers: {} }).body) as { error: unknown };
  return `data: ${JSON.stringify({ error })}\n\n`;
}

/**
 * The end of a response that failed, said twice. The `error` event is what the libraries raise with its message: the one of
 * Node takes another response's id for a fault of its own, the one of Python knows no `response.failed`. Codex in turn
 * reads only that, gives up at `insufficient_quota` alone, and asks again at all others.
 */
export function responsesStreamError({ type, message }: Refusal): string {
  const code = type === "lost" ? "server_error" : "insufficient_quota";
  const error = { type: code, code, message, param: null };
  const failed = {
    id: "resp_afk",
    object: "response",
    created_at: 0,
    status: "failed",
    error: { code, message },
    incomplete_details: null,
    output: [],
    usage: null,
  };
  return (
    event("error", { code, message, param: null, sequence_number: 0, error }) +
    event("response.failed", { sequence_number: 1, response: failed })
  );
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
