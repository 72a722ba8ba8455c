import { assertNever } from "../../../lib/errors.ts";
import type { Answer, Refusal, RequestHead } from "../protocol.ts";

/** The smallest limit that Claude Code takes for one it may go on with. */
const NEGOTIATED_MIN = 4_096;

/** What Anthropic offers under these, and the gateway does not. */
const NOT_OFFERED =
  /^\/v1\/(messages|files|skills|complete|agents|sessions|environments|organizations)(\/|$)/;

/**
 * How clients of Anthropic's protocol are told (https://platform.claude.com/docs/en/api/errors). 402 and 403 are final for
 * Claude Code and for both SDKs; 400 makes Claude Code try again in six other ways, and 503 with `overloaded_error` for ever.
 */
export function refuseMessages(refusal: Refusal, head: RequestHead): Answer {
  const { status, type } = statusOf(refusal, head);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (refusal.type === "busy")
    headers["retry-after"] = String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000)));
  else headers["x-should-retry"] = "false";
  return { status, headers, body: errorJson(type, messageOf(refusal, head), codeOf(refusal)) };
}

/** The error event that ends a stream which has begun. */
export function endMessageStream(refusal: Refusal, head: RequestHead): string {
  return `event: error\ndata: ${errorJson(statusOf(refusal, head).type, messageOf(refusal, head))}\n\n`;
}

/**
 * LangChain for JavaScript reads no x-should-retry, and asks seven times in two minutes at any 5xx unless it finds this code,
 * which Anthropic's own errors do not have and nobody else reads.
 */
function codeOf({ type }: Refusal): { code?: string } {
  return type === "breaker" || type === "unavailable" ? { code: "insufficient_quota" } : {};
}

function errorJson(type: string, message: string, more: object = {}): string {
  return JSON.stringify({ type: "error", error: { type, message }, ...more });
}

function statusOf(refusal: Refusal, head: RequestHead): { status: number; type: string } {
  switch (refusal.type) {
    case "cap":
    case "cap_smaller":
      return { status: 402, type: "billing_error" };
    case "busy":
      return { status: 429, type: "rate_limit_error" };
    case "killed":
    case "forbidden":
      return { status: 403, type: "permission_error" };
    case "breaker":
      return { status: 529, type: "overloaded_error" };
    case "model":
      return { status: 404, type: "not_found_error" };
    case "unavailable":
      return { status: 503, type: "api_error" };
    case "key":
      return { status: 401, type: "authentication_error" };
    case "route":
      return NOT_OFFERED.test(head.path)
        ? { status: 501, type: "not_supported" }
        : { status: 404, type: "not_found_error" };
    case "upgrade":
      return { status: 426, type: "invalid_request_error" };
    case "invalid":
      return { status: 400, type: "invalid_request_error" };
    case "too_large":
      return { status: 413, type: "request_too_large" };
    case "lost":
      return { status: 502, type: "api_error" };
    default:
      return assertNever(refusal);
  }
}

/** Claude Code reads this very sentence, and asks again at once for no more than that. */
function messageOf(refusal: Refusal, { headers }: RequestHead): string {
  if (refusal.type !== "cap_smaller" || !isClaudeCode(headers["user-agent"])) return refusal.message;
  const { asked, most, model } = refusal;
  if (most < NEGOTIATED_MIN || most >= asked) return refusal.message;
  return `max_tokens: ${asked} > ${most}, which is the maximum allowed number of output tokens for ${model}`;
}

function isClaudeCode(userAgent: string | undefined): boolean {
  return userAgent?.startsWith("claude-cli") === true;
}
