import type { Usage } from "../../providers/types.ts";
import { asksForStream, type ModelReply, sse, type ToolCall, type WireFormat, words } from "./format.ts";

const HEAD = { id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", created: 1_795_255_200 };
const OPEN_STREAM = {
  isStreamed: asksForStream,
  streamType: "text/event-stream; charset=utf-8",
  errorEvent: (message: string) =>
    sse({ error: { message, type: "server_error", param: null, code: "server_error" } }),
  ping: ": ping\n\n",
  openEvent: 'data: {"padding":"',
};

/** POST /v1/chat/completions; `prompt_tokens` includes the cached ones, and a stream has figures only where they are asked for. */
export const chat: WireFormat = {
  ...OPEN_STREAM,
  document(reply) {
    const { model, text, toolCall, usage } = reply;
    const calls = toolCall === null ? {} : { tool_calls: [callOf(toolCall)] };
    const content = text === "" && toolCall !== null ? null : text;
    const message = { role: "assistant", content, refusal: null, annotations: [], ...calls };
    return {
      ...HEAD,
      object: "chat.completion",
      model,
      choices: choices(reply).map((index) => ({
        index,
        message,
        logprobs: null,
        finish_reason: finish(reply),
      })),
      ...(usage === null ? {} : { usage: { ...openaiUsage(usage), ...reply.figures } }),
      service_tier: usage?.tier ?? "default",
    };
  },
  events(reply) {
    const { text, toolCall } = reply;
    const first = { role: "assistant", content: toolCall === null ? "" : null, refusal: null };
    const deltas = [first, ...words(text).map((content) => ({ content })), ...callDeltas(toolCall)];
    const chunk = (index: number, delta: object, reason: string | null) => ({
      choices: [{ index, delta, logprobs: null, finish_reason: reason }],
    });
    return chunks(reply, "chat.completion.chunk", [
      ...choices(reply).flatMap((index) => deltas.map((delta) => chunk(index, delta, null))),
      ...choices(reply).map((index) => chunk(index, {}, finish(reply))),
    ]);
  },
};

/** POST /v1/completions. */
export const completions: WireFormat = {
  ...OPEN_STREAM,
  document(reply) {
    const { model, text, usage } = reply;
    return {
      ...HEAD,
      object: "text_completion",
      model,
      choices: choices(reply).map((index) => textChoice(index, text, finish(reply))),
      ...(usage === null ? {} : { usage: { ...openaiUsage(usage), ...reply.figures } }),
    };
  },
  events(reply) {
    const written = choices(reply).flatMap((index) => words(reply.text).map((word) => ({ index, word })));
    return chunks(reply, "text_completion", [
      ...written.map(({ index, word }) => ({ choices: [textChoice(index, word, null)] })),
      ...choices(reply).map((index) => ({ choices: [textChoice(index, "", finish(reply))] })),
    ]);
  },
};

/** POST /v1/embeddings, never streamed; a vector for each input. */
export const embeddings: WireFormat = {
  ...OPEN_STREAM,
  isInputOnly: true,
  isStreamed: () => false,
  document({ model, asked, usage, figures }) {
    const inputs = Array.isArray(asked.input) ? asked.input : [asked.input];
    const counts =
      usage === null ? {} : { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens };
    return {
      object: "list",
      model,
      data: inputs.map((_, index) => ({ object: "embedding", index, embedding: vector(asked) })),
      ...(usage === null ? {} : { usage: { ...counts, ...figures } }),
    };
  },
  events: () => [],
};

/** As OpenAI's services count it, for chat completions and completions. */
function openaiUsage(usage: Usage): object {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const prompt = inputTokens + cacheReadTokens + cacheWriteTokens;
  const written = cacheWriteTokens > 0 ? { cache_write_tokens: cacheWriteTokens } : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadTokens, audio_tokens: 0, ...written },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

/** The chunks of a stream with what all of them have, then the figures where the request has asked for them, then `[DONE]`. */
function chunks(reply: ModelReply, object: string, bodies: object[]): string[] {
  const { model, usage, earlierFigures, figures } = reply;
  const asked = reply.asked.stream_options as { include_usage?: boolean } | undefined;
  const isCounted = asked?.include_usage === true;
  const head = { ...HEAD, object, model, service_tier: usage?.tier ?? "default" };
  const before = isCounted ? { usage: earlierFigures } : {};
  const last = { choices: [], usage: usage === null ? null : { ...openaiUsage(usage), ...figures } };
  return [
    ...bodies.map((body) => sse({ ...head, ...body, ...before })),
    ...(isCounted && usage !== null ? [sse({ ...head, ...last })] : []),
    sse("[DONE]"),
  ];
}

function choices({ asked }: ModelReply): number[] {
  return Array.from({ length: choicesOf(asked) }, (_, index) => index);
}

/** The replies that are written for one prompt; each is billed. */
export function choicesOf({ n, best_of }: Record<string, unknown>): number {
  return Math.max(1, Number(n ?? 1), Number(best_of ?? 1));
}

function finish({ isTruncated, toolCall }: ModelReply): string {
  if (isTruncated) return "length";
  return toolCall === null ? "stop" : "tool_calls";
}

function textChoice(index: number, text: string, reason: string | null): object {
  return { text, index, logprobs: null, finish_reason: reason };
}

function callOf({ name, arguments: given }: ToolCall) {
  return { id: "call_scripted1", type: "function", function: { name, arguments: JSON.stringify(given) } };
}

/** The name first, and then the arguments in two pieces, as they are written. */
function callDeltas(toolCall: ToolCall | null): object[] {
  if (toolCall === null) return [];
  const { function: called, ...rest } = callOf(toolCall);
  const half = Math.ceil(called.arguments.length / 2);
  const part = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });
  return [
    { tool_calls: [{ index: 0, ...rest, function: { name: called.name, arguments: "" } }] },
    part(called.arguments.slice(0, half)),
    part(called.arguments.slice(half)),
  ];
}

/** Clients ask for base64, which holds 32-bit floats. */
function vector({ encoding_format }: Record<string, unknown>): number[] | string {
  const floats = Float32Array.of(0.25, -0.5, 0.125);
  return encoding_format === "base64" ? Buffer.from(floats.buffer).toString("base64") : [...floats];
}
