import { type Dialect, type ModelServer, type StartOptions, startModelServer } from "./model-server.ts";

/** Ollama: POST /api/chat, one JSON object a line, counts that are 0 left out. */
const OLLAMA: Dialect = {
  path: "/api/chat",
  showPath: "/api/show",
  contentType: "application/x-ndjson",
  pieces: ({ model, text, usage, isTruncated }) => {
    const head = { model, created_at: "2026-11-21T10:00:00.000000Z" };
    const words = text.split(/(?<= )/).filter((word) => word !== "");
    const parts = words.map((content) => ({ ...head, message: { role: "assistant", content }, done: false }));
    const last = {
      ...head,
      message: { role: "assistant", content: "" },
      done: true,
      done_reason: isTruncated ? "length" : "stop",
      total_duration: 4_935_886_791,
      load_duration: 534_986_708,
      ...(usage?.inputTokens ? { prompt_eval_count: usage.inputTokens } : {}),
      prompt_eval_duration: 107_345_000,
      ...(usage?.outputTokens ? { eval_count: usage.outputTokens } : {}),
      eval_duration: 4_289_432_000,
    };
    return [...parts, last].map((line) => `${JSON.stringify(line)}\n`);
  },
  error: (_status, message) => JSON.stringify({ error: message }),
  errorUnder200: (message) => `${JSON.stringify({ error: message })}\n`,
};

export function startOllama(options?: StartOptions): Promise<ModelServer> {
  return startModelServer(OLLAMA, options);
}
