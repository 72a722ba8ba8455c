import { type ModelReply, type WireFormat, words } from "./format.ts";

const NDJSON = {
  /** Unless it is asked not to. */
  isStreamed: (asked: Record<string, unknown>) => asked.stream !== false,
  streamType: "application/x-ndjson",
  errorEvent: (message: string) => line({ error: message }),
  ping: "\n",
  openEvent: '{"padding":"',
};

/** POST /api/chat, one JSON object a line, counts that are 0 left out. https://docs.ollama.com/api/chat */
export const ollamaChat: WireFormat = {
  ...NDJSON,
  document: (reply) => ({ ...last(reply), message: message(reply.text, reply) }),
  events(reply) {
    const { text, toolCall } = reply;
    const parts = words(text).map((content) => ({ message: { role: "assistant", content } }));
    const calls = toolCall === null ? [] : [{ message: message("", reply) }];
    return [
      ...[...parts, ...calls].map((part) => line({ ...head(reply), ...part, done: false })),
      line({ ...last(reply), message: { role: "assistant", content: "" } }),
    ];
  },
};

/** POST /api/generate. https://docs.ollama.com/api/generate */
export const ollamaGenerate: WireFormat = {
  ...NDJSON,
  document: (reply) => ({ ...last(reply), response: reply.text }),
  events: (reply) => [
    ...words(reply.text).map((response) => line({ ...head(reply), response, done: false })),
    line({ ...last(reply), response: "" }),
  ],
};

/** POST /api/embed, a vector for each input. https://docs.ollama.com/api/embed */
export const ollamaEmbed: WireFormat = {
  ...NDJSON,
  isInputOnly: true,
  isStreamed: () => false,
  document({ model, asked, usage, figures }) {
    const inputs = Array.isArray(asked.input) ? asked.input : [asked.input];
    const counts = usage?.inputTokens ? { prompt_eval_count: usage.inputTokens } : {};
    const embeddings = inputs.map(() => [0.25, -0.5, 0.125]);
    return { model, embeddings, total_duration: 14_143_917, ...counts, ...figures };
  },
  events: () => [],
};

function head({ model }: ModelReply) {
  return { model, created_at: "2026-11-21T10:00:00.000000Z" };
}

function message(content: string, { toolCall }: ModelReply): object {
  const calls = toolCall === null ? {} : { tool_calls: [{ function: toolCall }] };
  return { role: "assistant", content, ...calls };
}

function last(reply: ModelReply): object {
  const { usage, isTruncated, figures } = reply;
  return {
    ...head(reply),
    done: true,
    done_reason: isTruncated ? "length" : "stop",
    total_duration: 4_935_886_791,
    ...(usage?.inputTokens ? { prompt_eval_count: usage.inputTokens } : {}),
    ...(usage?.outputTokens ? { eval_count: usage.outputTokens } : {}),
    ...(usage === null ? {} : figures),
  };
}

function line(object: object): string {
  return `${JSON.stringify(object)}\n`;
}
