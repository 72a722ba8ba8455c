import { assertNever } from "../../../lib/errors.ts";
import type { Answer, Refusal } from "../protocol.ts";

/** How clients of Ollama are told: no client of it asks again, whatever the status is. */
export function refuseOllama(refusal: Refusal): Answer {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (refusal.type === "busy") headers["retry-after"] = seconds(refusal.retryAfterMs);
  else headers["x-should-retry"] = "false";
  if (refusal.type === "breaker") headers["retry-after"] = seconds(refusal.retryAfterMs);
  return { status: statusOf(refusal), headers, body: errorJson(refusal) };
}

/** The line that ends a stream which has begun. */
export function endLines(refusal: Refusal): string {
  return `${errorJson(refusal)}\n`;
}

function errorJson({ message }: Refusal): string {
  return JSON.stringify({ error: message });
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1_000)));
}

function statusOf(refusal: Refusal): number {
  switch (refusal.type) {
    case "cap":
    case "cap_smaller":
      return 402;
    case "busy":
      return 429;
    case "killed":
      return 403;
    case "breaker":
    case "unavailable":
      return 503;
    case "forbidden":
    case "invalid":
      return 400;
    case "model":
    case "route":
      return 404;
    case "key":
      return 401;
    case "upgrade":
      return 426;
    case "too_large":
      return 413;
    case "lost":
      return 502;
    default:
      return assertNever(refusal);
  }
}
