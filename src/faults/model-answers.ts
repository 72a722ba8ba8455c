import type { Usage } from "../providers/types.ts";
import type { Protocol } from "./model-protocols.ts";
import type { ModelReply, ToolCall, WireFormat } from "./wire/format.ts";
import { choicesOf } from "./wire/openai-chat.ts";

/** What goes for any behaviour that has it. */
interface Said {
  text?: string;
  /** Asked for behind the text. */
  toolCall?: ToolCall;
  /** Replaces the figures that the server counts itself, in the reply and on the bill. */
  usage?: Partial<Usage>;
  /** Laid over the final figures of the reply, in the protocol's own words; the bill stays as it is. */
  figures?: Record<string, unknown>;
  /** The same, for what a stream says of figures before the final ones. */
  earlierFigures?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** Each piece is sent only after this has resolved for it, and after `everyMs`. */
  gate?: (piece: number) => Promise<unknown>;
  everyMs?: number;
}

/** What a model's server does with one request. */
export type Behaviour = Said &
  (
    | { type: "reply" | "slow" | "missingUsage" | "emptyText" | "lengthTruncated" | "malformed" }
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
    /** The reply up to this many bytes, in the middle of an event or not. */
    | { type: "cutBytes"; bytes: number; ending: "close" | "reset" }
    /** HTTP 200, and the error in the body; in a stream behind this many pieces of the reply. */
    | { type: "errorUnder200"; message?: string; pieces?: number }
    /** So many pieces of the reply, and then pings until nobody is there any more. */
    | { type: "pings"; pieces: number; pingMs: number }
    /** One event of this many bytes, which never ends. */
    | { type: "longEvent"; bytes: number }
    /** The provider's own error answer. */
    | { type: "error"; status: number; message?: string }
    /** The page of a proxy in between. */
    | { type: "html"; status: number }
    /** Exactly this; `rawTruncated` resets the connection after it. Billed where it has a `usage`. */
    | { type: "raw" | "rawTruncated"; status?: number; body: string | Uint8Array }
  );

/** What goes over the connection: nothing at all, or a head and pieces; then its end. */
export interface Answer {
  head: { status: number; headers: Record<string, string> } | null;
  pieces: (string | Uint8Array)[];
  /** Sent behind the pieces, again and again; null for nothing. */
  repeated: { piece: string | Uint8Array; times: number; everyMs: number } | null;
  ending: "close" | "reset" | "hang";
}

/** A request that is answered. */
export interface Call {
  model: string;
  asked: Record<string, unknown>;
  format: WireFormat;
  usage: Usage;
}

const LONG_PIECE = Buffer.alloc(64 * 1024, "x");

/** The answer to a call, worded in the protocol. */
export function answerOf(protocol: Protocol, behaviour: Behaviour, call: Call): Answer {
  const { format } = call;
  const isStreamed = format.isStreamed(call.asked);
  const contentType = isStreamed ? format.streamType : "application/json";
  const answer = (...pieces: Answer["pieces"]): Answer => ({
    head: { status: 200, headers: { "content-type": contentType, ...behaviour.headers } },
    pieces,
    repeated: null,
    ending: "close",
  });
  const failure = (status: number, type: string, body: string | Uint8Array): Answer => ({
    ...answer(body),
    head: { status, headers: { "content-type": type, ...behaviour.headers } },
  });
  const pieces = () => piecesOf(behaviour, call, isStreamed);
  switch (behaviour.type) {
    case "hang":
    case "reset":
      return { head: null, pieces: [], repeated: null, ending: behaviour.type };
    case "error": {
      const { status, message = "scripted error" } = behaviour;
      return failure(status, "application/json", protocol.error(status, message));
    }
    case "html": {
      const { status } = behaviour;
      const page = `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`;
      return failure(status, "text/html", page);
    }
    case "errorUnder200": {
      const { message = "scripted error", pieces: before = 0 } = behaviour;
      if (!isStreamed) return answer(protocol.errorUnder200(message));
      return answer(...pieces().slice(0, before), format.errorEvent(message));
    }
    case "malformed":
      return answer(
        isStreamed ? `${format.openEvent}half a` : '{"choices": [{"message": {"content": "half a',
      );
    case "raw":
      return failure(behaviour.status ?? 200, contentType, behaviour.body);
    case "rawTruncated":
      return { ...failure(behaviour.status ?? 200, contentType, behaviour.body), ending: "reset" };
    case "cutBytes": {
      const whole = Buffer.from(pieces().join(""));
      return { ...answer(whole.subarray(0, behaviour.bytes)), ending: behaviour.ending };
    }
    case "pings": {
      const repeated = { piece: format.ping, times: Number.POSITIVE_INFINITY, everyMs: behaviour.pingMs };
      return { ...answer(...pieces().slice(0, behaviour.pieces)), repeated, ending: "hang" };
    }
    case "longEvent": {
      const times = Math.ceil(behaviour.bytes / LONG_PIECE.length);
      const repeated = { piece: LONG_PIECE, times, everyMs: 0 };
      return { ...answer(format.openEvent), repeated, ending: "hang" };
    }
    case "stall":
      return { ...answer(...pieces().slice(0, behaviour.pieces)), ending: "hang" };
    case "truncated":
      return { ...answer(...pieces().slice(0, behaviour.pieces)), ending: "reset" };
    case "cut":
      return answer(...pieces().slice(0, behaviour.pieces));
    default:
      return answer(...pieces());
  }
}

/** The whole reply in the pieces in which it is written; those of a JSON document are not JSON by themselves. */
function piecesOf(behaviour: Behaviour, call: Call, isStreamed: boolean): string[] {
  const { model, asked, format, usage } = call;
  const reply: ModelReply = {
    model,
    asked,
    text: textOf(behaviour),
    toolCall: behaviour.toolCall ?? null,
    usage: behaviour.type === "missingUsage" ? null : usage,
    figures: behaviour.figures ?? {},
    earlierFigures: behaviour.earlierFigures ?? null,
    isTruncated: behaviour.type === "lengthTruncated",
  };
  return isStreamed ? format.events(reply) : splitInThree(format.document(reply));
}

function splitInThree(document: unknown): string[] {
  const text = JSON.stringify(document);
  const third = Math.ceil(text.length / 3);
  return [text.slice(0, third), text.slice(third, 2 * third), text.slice(2 * third)];
}

/**
 * A client's turn with a tool: the call, as long as the request offers that tool and has no result of one, and then the
 * text. What offers no such tool (a title, a summary) gets the text.
 */
export function toolTurn(toolCall: ToolCall, text = "Done."): (request: { body: string }) => Behaviour {
  return ({ body }) => {
    const isOffered =
      body.includes(`"name":"${toolCall.name}"`) || body.includes(`"name": "${toolCall.name}"`);
    const hasResult = /"role": ?"tool"|"type": ?"(?:tool_result|function_call_output)"/.test(body);
    return isOffered && !hasResult ? { type: "reply", text: "", toolCall } : { type: "reply", text };
  };
}

/** Figures for the provider's bill, unless the behaviour states others; output is four bytes a token, within the request's limit. */
export function usageOf(
  request: { body: string; json: Record<string, unknown> },
  behaviour: Behaviour,
  { bytesPerToken = 4, isInputOnly = false } = {},
): Usage {
  const called = behaviour.toolCall === undefined ? "" : JSON.stringify(behaviour.toolCall);
  const written = Math.ceil(Buffer.byteLength(textOf(behaviour) + called) / 4);
  const output = Math.min(written, limitOf(request.json)) * choicesOf(request.json);
  return {
    inputTokens: Math.ceil(Buffer.byteLength(request.body) / bytesPerToken),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: isInputOnly ? 0 : output,
    ...behaviour.usage,
  };
}

/** The most output tokens that a request of any protocol allows for one reply. */
export function limitOf(json: Record<string, unknown>): number {
  const { max_tokens, max_completion_tokens, max_output_tokens, options } = json;
  const inOptions = typeof options === "object" && options !== null && "num_predict" in options;
  const stated = max_tokens ?? max_completion_tokens ?? max_output_tokens;
  const limit = stated ?? (inOptions ? options.num_predict : undefined);
  return typeof limit === "number" ? limit : Number.POSITIVE_INFINITY;
}

/** An error answer costs nothing. Whatever got lost on the way was worked on, and is billed. */
export function isBilled(behaviour: Behaviour): boolean {
  if (behaviour.type === "html") return behaviour.status >= 500;
  if (behaviour.type === "raw" || behaviour.type === "rawTruncated") return behaviour.usage !== undefined;
  return behaviour.type !== "error";
}

function textOf(behaviour: Behaviour): string {
  return behaviour.type === "emptyText" ? "" : (behaviour.text ?? "A short summary of the item.");
}
