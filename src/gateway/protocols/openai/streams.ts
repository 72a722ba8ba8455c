import { inputTokensOf, outputTokensOf } from "../../../providers/estimate.ts";
import { isRecord, parseJson } from "../../../providers/reply-json.ts";
import type { Figures } from "../../../providers/types.ts";
import type { CallRoute, StreamReader } from "../protocol.ts";
import { keyTest, parseSse } from "../sse.ts";
import { chatReply, errorOf, responseReply } from "./figures.ts";

/** `data: [DONE]` is 12 bytes; some servers name the event. */
const DONE_BYTES_MAX = 40;
const NO_FIGURES: Figures = { unknown: "its stream does not say how many tokens the call took" };

type Json = Record<string, unknown>;
type Ending = ReturnType<StreamReader["end"]>;

/** What a stream has said so far. */
function unread(): Ending {
  return { isComplete: false, figures: NO_FIGURES, model: null, error: null };
}

const isNotable = keyTest("usage", "error");

/**
 * Reads a streamed chat or completion. Figures come in the last chunk, after the one with `finish_reason`; the end is `[DONE]`,
 * or an error in place of a chunk. Chunks without either are only looked through.
 */
export function chatReader({ hidesUsage }: Parameters<CallRoute["reader"]>[0]): StreamReader {
  const read = unread();
  let isNamed = false;
  const take: StreamReader["take"] = (event) => {
    if (event.length <= DONE_BYTES_MAX && parseSse(event).data?.trim() === "[DONE]") {
      read.isComplete = true;
      return "pass";
    }
    // The first chunk names the model.
    if (isNamed && !isNotable(event)) return "pass";
    const said = jsonOf(event);
    if (said === null) return "pass";
    isNamed = true;
    const chunk = chatReply(said);
    read.model = chunk.model ?? read.model;
    if (chunk.error !== null) fail(read, chunk.error);
    const usage = said.usage ?? null;
    if (usage === null) return "pass";
    read.figures = later(read.figures, chunk.figures);
    const isExtra = Array.isArray(said.choices) && said.choices.length === 0 && chunk.error === null;
    return hidesUsage && isExtra ? "hide" : "pass";
  };
  return { take, isComplete: () => read.isComplete, end: () => read };
}

const hasResponse = keyTest("response", "error");
const ENDS = ["response.completed", "response.incomplete", "response.failed"];

/** Reads a streamed response. Its figures are inside the event that ends it. */
export function responsesReader(): StreamReader {
  const read = unread();
  const take: StreamReader["take"] = (event) => {
    if (!hasResponse(event)) return "pass";
    const said = jsonOf(event);
    if (said === null) return "pass";
    if (said.type === "error" || (said.type === undefined && errorOf(said) !== null)) {
      fail(read, errorOf(said) ?? "an error without words");
    } else if (isRecord(said.response)) {
      const { figures, model, error } = responseReply(said.response);
      read.model = model ?? read.model;
      if (!ENDS.includes(String(said.type))) return "pass";
      read.isComplete = true;
      read.figures = later(read.figures, figures);
      read.error = error ?? read.error;
    }
    return "pass";
  };
  return { take, isComplete: () => read.isComplete, end: () => read };
}

/** The provider's own error is an end too: clients stop at it. */
function fail(read: Ending, error: string): void {
  read.error ??= error;
  read.isComplete = true;
}

/** Null for an event without JSON: a comment, or a name alone. */
function jsonOf(event: Buffer): Json | null {
  const { data } = parseSse(event);
  const said = data === null ? null : parseJson(data);
  return isRecord(said) ? said : null;
}

/** Servers that count as they go say more each time; what shrinks contradicts itself, and says nothing. */
function later(before: Figures, now: Figures): Figures {
  if ("unknown" in before) return before === NO_FIGURES ? now : before;
  if ("unknown" in now) return now;
  const shrinks = inputTokensOf(now) < inputTokensOf(before) || outputTokensOf(now) < outputTokensOf(before);
  return shrinks ? { unknown: "its stream counts fewer tokens at its end than before it" } : now;
}
