import { anthropicFigures } from "../../../providers/anthropic/usage.ts";
import { errorIn, isRecord, parseJson } from "../../../providers/reply-json.ts";
import type { Figures } from "../../../providers/types.ts";
import type { StreamReader } from "../protocol.ts";
import { parseSse } from "../sse.ts";

/** Events of content hold no figures, and are all but a few of a stream; their name stands at the beginning. */
const CONTENT = Buffer.from("content_block_");
const CONTENT_WITHIN = 48;

const CONTRADICTORY: Figures = { unknown: "its stream contradicts what it has said of its tokens before" };

/** Output as it is counted so far; more than any where it is not said. */
function outputIn(usage: unknown): number {
  const count = isRecord(usage) ? usage.output_tokens : undefined;
  return typeof count === "number" ? count : Number.POSITIVE_INFINITY;
}

/** Reads the stream of a message (https://platform.claude.com/docs/en/build-with-claude/streaming). */
export function messageReader(): StreamReader {
  let usage: Record<string, unknown> | null = null;
  let model: string | null = null;
  let error: string | null = null;
  /** It has counted its output, and why it ended. */
  let isCounted = false;
  let isEnded = false;
  /** It begins twice, or counts less output than before. */
  let isContradictory = false;
  let isComplete = false;
  const read = (said: Record<string, unknown>): void => {
    switch (said.type) {
      case "message_start":
        if (!isRecord(said.message)) return;
        isContradictory ||= usage !== null;
        usage = isRecord(said.message.usage) ? { ...said.message.usage } : {};
        model = typeof said.message.model === "string" ? said.message.model : model;
        return;
      case "message_delta":
        isContradictory ||= isCounted && outputIn(said.usage) < outputIn(usage);
        usage = merged(usage ?? {}, said.usage);
        isCounted ||= isRecord(said.usage) && typeof said.usage.output_tokens === "number";
        isEnded ||= isRecord(said.delta) && typeof said.delta.stop_reason === "string";
        return;
      case "message_stop":
        isComplete = error === null;
        return;
      case "error":
        error ??= errorIn(said) ?? "an error without words";
        isComplete = false;
    }
  };
  return {
    take(event) {
      const at = event.indexOf(CONTENT);
      if (at !== -1 && at < CONTENT_WITHIN) return "pass";
      const said = parseJson(parseSse(event).data ?? "");
      if (isRecord(said)) read(said);
      return "pass";
    },
    isComplete: () => isComplete,
    end: () => ({
      isComplete,
      figures: isContradictory ? CONTRADICTORY : figuresOf(usage, isCounted && (isEnded || isComplete)),
      model,
      error,
    }),
  };
}

/** What a whole message says; a reply that is an error has no figures. */
export function messageFigures(said: unknown): {
  figures: Figures;
  model: string | null;
  error: string | null;
} {
  if (!isRecord(said)) return { figures: { unknown: "it is not a message" }, model: null, error: null };
  const model = typeof said.model === "string" ? said.model : null;
  const error = said.type === "error" ? (errorIn(said) ?? "an error without words") : errorIn(said);
  return { figures: anthropicFigures(said.usage), model, error };
}

/** The counts of `message_delta` are those of the whole so far; what is left out of them stands as it was. */
function merged(usage: Record<string, unknown>, later: unknown): Record<string, unknown> {
  if (!isRecord(later)) return usage;
  const said = Object.entries(later).filter(([, value]) => value !== null && value !== undefined);
  return withSplit({ ...usage, ...Object.fromEntries(said) }, later);
}

/**
 * How long what was written to the cache is kept stands only at the beginning. What rounds of tools have written since is taken
 * for the dearer kind.
 */
function withSplit(usage: Record<string, unknown>, later: Record<string, unknown>): Record<string, unknown> {
  const { cache_creation: split, cache_creation_input_tokens: all } = usage;
  if (later.cache_creation || !isRecord(split) || typeof all !== "number") return usage;
  const { ephemeral_5m_input_tokens: minutes = 0, ephemeral_1h_input_tokens: hour = 0 } = split;
  if (typeof minutes !== "number" || typeof hour !== "number" || all <= minutes + hour) return usage;
  return { ...usage, cache_creation: { ...split, ephemeral_1h_input_tokens: all - minutes } };
}

/** The count of output at the beginning is none of the whole. */
function figuresOf(usage: Record<string, unknown> | null, isFinal: boolean): Figures {
  if (usage === null || !isFinal)
    return { unknown: "its stream ended before it said how many tokens the call took" };
  return anthropicFigures(usage);
}
