import type { Price, Usage } from "../providers/types.ts";
import type { Protocol } from "./model-protocols.ts";

/** What a model's server does with one request. `usage` replaces the figures that it counts itself. */
export type Behaviour = { usage?: Partial<Usage> } & (
  | { type: "reply"; text?: string }
  /** Sends the reply in pieces, each only after `gate()` has resolved for it, or after `everyMs`. */
  | { type: "slow"; text?: string; gate?: (piece: number) => Promise<unknown>; everyMs?: number }
  /** Takes the request and never answers. */
  | { type: "hang" }
  /** Sends this many pieces of the reply and then nothing more. */
  | { type: "stall"; pieces: number }
  /** Takes the request and resets the connection. */
  | { type: "reset" }
  /** Resets the connection after this many pieces of the reply. */
  | { type: "truncated"; pieces: number }
  /** Ends the reply properly, after this many pieces. */
  | { type: "cut"; pieces: number }
  /** HTTP 200, and the error in the body. */
  | { type: "errorUnder200"; message?: string }
  /** The provider's own error answer. */
  | { type: "error"; status: number; message?: string; headers?: Record<string, string> }
  /** The page of a proxy in between. */
  | { type: "html"; status: number; headers?: Record<string, string> }
  | { type: "missingUsage"; text?: string }
  | { type: "emptyText" }
  | { type: "malformed" }
  | { type: "lengthTruncated"; text?: string }
  /** Exactly this; `rawTruncated` resets the connection after it. */
  | {
      type: "raw" | "rawTruncated";
      status?: number;
      headers?: Record<string, string>;
      body: string | Uint8Array;
    }
);

/** What goes over the connection: nothing at all, or a head and pieces; then its end. */
export interface Answer {
  head: { status: number; headers: Record<string, string> } | null;
  pieces: (string | Uint8Array)[];
  ending: "close" | "reset" | "hang";
}

/** The answer to a call of `model`, worded in the protocol. */
export function answerOf(
  protocol: Protocol,
  behaviour: Behaviour,
  call: { model: string; usage: Usage },
): Answer {
  const whole = (status: number, body: string | Uint8Array, headers = {}): Answer => ({
    head: { status, headers: { "content-type": protocol.contentType, ...headers } },
    pieces: [body],
    ending: "close",
  });
  switch (behaviour.type) {
    case "hang":
    case "reset":
      return { head: null, pieces: [], ending: behaviour.type };
    case "error": {
      const { status, message = "scripted error", headers } = behaviour;
      const type = { "content-type": "application/json" };
      return whole(status, protocol.error(status, message), { ...type, ...headers });
    }
    case "html": {
      const { status, headers } = behaviour;
      const page = `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`;
      return whole(status, page, { "content-type": "text/html", ...headers });
    }
    case "errorUnder200":
      return whole(200, protocol.errorUnder200(behaviour.message ?? "scripted error"));
    case "malformed":
      return whole(200, '{"choices": [{"message": {"content": "half a');
    case "raw":
    case "rawTruncated": {
      const answer = whole(behaviour.status ?? 200, behaviour.body, behaviour.headers);
      return behaviour.type === "raw" ? answer : { ...answer, ending: "reset" };
    }
    default: {
      const pieces = protocol.pieces({
        ...call,
        usage: behaviour.type === "missingUsage" ? null : call.usage,
        text: textOf(behaviour),
        isTruncated: behaviour.type === "lengthTruncated",
      });
      const sent = "pieces" in behaviour ? pieces.slice(0, behaviour.pieces) : pieces;
      const ending = behaviour.type === "stall" ? "hang" : behaviour.type === "truncated" ? "reset" : "close";
      return { ...whole(200, ""), pieces: sent, ending };
    }
  }
}

/** Figures for the provider's bill, unless the behaviour states others; output is four bytes a token, within the request's limit. */
export function usageOf(
  request: { body: string; json: Record<string, unknown> },
  behaviour: Behaviour,
  bytesPerToken = 4,
): Usage {
  return {
    inputTokens: Math.ceil(Buffer.byteLength(request.body) / bytesPerToken),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: Math.min(Math.ceil(Buffer.byteLength(textOf(behaviour)) / 4), limitOf(request.json)),
    ...behaviour.usage,
  };
}

/** The most output tokens that a request of any protocol allows. */
export function limitOf(json: Record<string, unknown>): number {
  const { max_tokens, max_completion_tokens, options } = json;
  const inOptions = typeof options === "object" && options !== null && "num_predict" in options;
  const limit = max_tokens ?? max_completion_tokens ?? (inOptions ? options.num_predict : undefined);
  return typeof limit === "number" ? limit : Number.POSITIVE_INFINITY;
}

/** An error answer costs nothing. Whatever got lost on the way was worked on, and is billed. */
export function isBilled(behaviour: Behaviour): boolean {
  if (behaviour.type === "html") return behaviour.status >= 500;
  return !["error", "raw", "rawTruncated"].includes(behaviour.type);
}

/**
 * What the provider bills, in micro-dollars. Not computed by the code under test, with which a bill would agree in every
 * mistake.
 */
export function billMicros(usages: readonly Usage[], price: Price): number {
  const sum = usages.reduce((total, { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }) => {
    const input = inputTokens * price.input + cacheReadTokens * price.cacheRead;
    return total + input + cacheWriteTokens * price.cacheWrite + outputTokens * price.output;
  }, 0);
  return Math.ceil(sum);
}

function textOf(behaviour: Behaviour): string {
  if (behaviour.type === "emptyText") return "";
  return ("text" in behaviour ? behaviour.text : undefined) ?? "A short summary of the item.";
}
