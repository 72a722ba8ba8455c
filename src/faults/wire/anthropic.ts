import type { Usage } from "../../providers/types.ts";
import { asksForStream, type ModelReply, sse, type WireFormat, words } from "./format.ts";

const STREAM = {
  isStreamed: asksForStream,
  streamType: "text/event-stream; charset=utf-8",
  errorEvent: (message: string) => sse({ type: "error", error: { type: "api_error", message } }, "error"),
  ping: sse({ type: "ping" }, "ping"),
  openEvent: 'event: content_block_delta\ndata: {"padding":"',
};

/** POST /v1/messages; `input_tokens` leaves the cached ones out, and a stream's figures are totals that grow. */
export const messages: WireFormat = {
  ...STREAM,
  document(reply) {
    const { usage, figures } = reply;
    return {
      ...head(reply),
      content: blocks(reply),
      stop_reason: stopReason(reply),
      ...(usage === null ? {} : { usage: { ...inputUsage(usage), ...outputUsage(usage), ...figures } }),
    };
  },
  events(reply) {
    const { usage, figures, earlierFigures } = reply;
    const event = (type: string, fields: object) => sse({ type, ...fields }, type);
    const begun = usage === null ? {} : { ...inputUsage(usage), output_tokens: 1, ...earlierFigures };
    const counts = usage === null ? {} : { ...finalUsage(usage), ...figures };
    const message = { ...head(reply), content: [], stop_reason: null, usage: begun };
    const delta = { stop_reason: stopReason(reply), stop_sequence: null };
    return [
      event("message_start", { message }),
      ...blocks(reply).flatMap((block, index) => [
        event("content_block_start", { index, content_block: emptied(block) }),
        ...(index === 0 ? [STREAM.ping] : []),
        ...deltas(block).map((part) => event("content_block_delta", { index, delta: part })),
        event("content_block_stop", { index }),
      ]),
      event("message_delta", { delta, usage: counts }),
      event("message_stop", {}),
    ];
  },
};

/** POST /v1/messages/count_tokens. */
export const countTokens: WireFormat = {
  ...STREAM,
  isFree: true,
  isInputOnly: true,
  isStreamed: () => false,
  document: ({ usage, figures }) => ({ input_tokens: usage?.inputTokens ?? 0, ...figures }),
  events: () => [],
};

type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

function head({ model }: ModelReply): object {
  const id = "msg_01XFDUDYJgAACzvnptvVoYEL";
  return { id, type: "message", role: "assistant", model, stop_sequence: null };
}

function blocks({ text, toolCall }: ModelReply): Block[] {
  const said: Block[] = text === "" ? [] : [{ type: "text", text }];
  if (toolCall === null) return said;
  const { name, arguments: input } = toolCall;
  return [...said, { type: "tool_use", id: "toolu_01A09q90qw90lq917835lq9", name, input }];
}

function emptied(block: Block): Block {
  return block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
}

function deltas(block: Block): object[] {
  if (block.type === "text") return words(block.text).map((text) => ({ type: "text_delta", text }));
  const json = JSON.stringify(block.input);
  const half = Math.ceil(json.length / 2);
  const parts = ["", json.slice(0, half), json.slice(half)];
  return parts.map((partial) => ({ type: "input_json_delta", partial_json: partial }));
}

function stopReason({ isTruncated, toolCall }: ModelReply): string {
  if (isTruncated) return "max_tokens";
  return toolCall === null ? "end_turn" : "tool_use";
}

/** What is known before anything is written; only here is it told how long a cache entry is kept. */
function inputUsage(usage: Usage): object {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens = 0 } = usage;
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: cacheWriteTokens + cacheWrite1hTokens,
    cache_read_input_tokens: cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWriteTokens,
      ephemeral_1h_input_tokens: cacheWrite1hTokens,
    },
    service_tier: "standard",
    inference_geo: usage.isRegional ? "us" : "global",
    ...(usage.tier === "fast" ? { speed: "fast" } : {}),
  };
}

function outputUsage({ outputTokens, tools = {} }: Usage): object {
  const uses = Object.entries(tools).map(([name, count]) => [`${name}_requests`, count]);
  return {
    output_tokens: outputTokens,
    ...(uses.length === 0 ? {} : { server_tool_use: Object.fromEntries(uses) }),
  };
}

function finalUsage(usage: Usage): object {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens = 0 } = usage;
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: cacheWriteTokens + cacheWrite1hTokens,
    cache_read_input_tokens: cacheReadTokens,
    ...outputUsage(usage),
  };
}
