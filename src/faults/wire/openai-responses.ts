import type { Usage } from "../../providers/types.ts";
import { asksForStream, type ModelReply, sse, type ToolCall, type WireFormat, words } from "./format.ts";

const RESPONSE_ID = "resp_0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const MESSAGE_ID = "msg_0f1e2d3c4b5a69788796a5b4c3d2e1f1";
const CALL_ID = "fc_0f1e2d3c4b5a69788796a5b4c3d2e1f2";

/** POST /v1/responses; the figures are inside the response that the last event carries. */
export const responses: WireFormat = {
  isStreamed: asksForStream,
  streamType: "text/event-stream; charset=utf-8",
  document: (reply) => finished(reply),
  events(reply) {
    let number = 0;
    const event = (type: string, fields: object) => sse({ type, ...fields, sequence_number: number++ }, type);
    const begun = { ...response(reply, "in_progress", []), usage: reply.earlierFigures };
    const last = finished(reply);
    return [
      event("response.created", { response: begun }),
      event("response.in_progress", { response: begun }),
      ...outputOf(reply).flatMap((item, index) => itemEvents(item, index, event)),
      event(reply.isTruncated ? "response.incomplete" : "response.completed", { response: last }),
    ];
  },
  errorEvent: (message) =>
    sse({ type: "error", code: "server_error", message, param: null, sequence_number: 99 }, "error"),
  ping: ": ping\n\n",
  openEvent: 'data: {"padding":"',
};

type Item = ReturnType<typeof messageItem> | ReturnType<typeof callItem>;
type Event = (type: string, fields: object) => string;

function outputOf({ text, toolCall }: ModelReply): Item[] {
  return [...(text === "" ? [] : [messageItem(text)]), ...(toolCall === null ? [] : [callItem(toolCall)])];
}

function finished(reply: ModelReply): object {
  const { usage, isTruncated, figures } = reply;
  return {
    ...response(reply, isTruncated ? "incomplete" : "completed", outputOf(reply)),
    incomplete_details: isTruncated ? { reason: "max_output_tokens" } : null,
    usage: usage === null ? null : { ...responsesUsage(usage), ...figures },
  };
}

function response({ model, asked, usage }: ModelReply, status: string, output: Item[]): object {
  return {
    id: RESPONSE_ID,
    object: "response",
    created_at: 1_795_255_200,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    service_tier: usage?.tier ?? "default",
    store: asked.store ?? true,
    temperature: 1,
    tool_choice: "auto",
    tools: asked.tools ?? [],
    top_p: 1,
    truncation: "disabled",
    usage: null,
    metadata: {},
  };
}

function responsesUsage(usage: Usage): object {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const input = inputTokens + cacheReadTokens + cacheWriteTokens;
  const written = cacheWriteTokens > 0 ? { cache_write_tokens: cacheWriteTokens } : {};
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheReadTokens, ...written },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + outputTokens,
  };
}

function messageItem(text: string) {
  const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
  return { id: MESSAGE_ID, type: "message" as const, status: "completed", role: "assistant", content };
}

function callItem({ name, arguments: given }: ToolCall) {
  const call = { call_id: "call_scripted1", name, arguments: JSON.stringify(given) };
  return { id: CALL_ID, type: "function_call" as const, status: "completed", ...call };
}

function itemEvents(item: Item, index: number, event: Event): string[] {
  const at = { item_id: item.id, output_index: index };
  const added = item.type === "message" ? { ...item, content: [] } : { ...item, arguments: "" };
  return [
    event("response.output_item.added", {
      output_index: index,
      item: { ...added, status: "in_progress" },
    }),
    ...(item.type === "message" ? textEvents(item, at, event) : argumentEvents(item, at, event)),
    event("response.output_item.done", { output_index: index, item }),
  ];
}

function textEvents(item: ReturnType<typeof messageItem>, at: object, event: Event): string[] {
  return item.content.flatMap((part, contentIndex) => {
    const here = { ...at, content_index: contentIndex };
    return [
      event("response.content_part.added", { ...here, part: { ...part, text: "" } }),
      ...words(part.text).map((delta) =>
        event("response.output_text.delta", { ...here, delta, logprobs: [] }),
      ),
      event("response.output_text.done", { ...here, text: part.text, logprobs: [] }),
      event("response.content_part.done", { ...here, part }),
    ];
  });
}

function argumentEvents(item: ReturnType<typeof callItem>, at: object, event: Event): string[] {
  const given = item.arguments;
  return [
    event("response.function_call_arguments.delta", { ...at, delta: given }),
    event("response.function_call_arguments.done", { ...at, name: item.name, arguments: given }),
  ];
}
