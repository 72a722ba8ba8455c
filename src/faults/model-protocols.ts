import { countTokens, messages } from "./wire/anthropic.ts";
import type { WireFormat } from "./wire/format.ts";
import { ollamaChat, ollamaEmbed, ollamaGenerate } from "./wire/ollama.ts";
import { chat, completions, embeddings } from "./wire/openai-chat.ts";
import { responses } from "./wire/openai-responses.ts";

/** What a provider's server understands, as its real one does. */
export interface Protocol {
  /** Where the agent itself asks. */
  path: string;
  /** Where it describes a model, which costs nothing. */
  showPath?: string;
  /** How it answers a POST, by the path. */
  formats: Readonly<Record<string, WireFormat>>;
  /** What it answers to a GET when it has these models, by the path. */
  lists: Readonly<Record<string, (models: readonly string[]) => unknown>>;
  error(status: number, message: string): string;
  /** The body of an error that is sent with status 200. */
  errorUnder200(message: string): string;
}

const OPENAI_FORMATS = {
  "/v1/chat/completions": chat,
  "/v1/completions": completions,
  "/v1/embeddings": embeddings,
  "/v1/responses": responses,
};

const ollama: Protocol = {
  path: "/api/chat",
  showPath: "/api/show",
  formats: {
    ...OPENAI_FORMATS,
    "/v1/messages": messages,
    "/api/chat": ollamaChat,
    "/api/generate": ollamaGenerate,
    "/api/embed": ollamaEmbed,
  },
  lists: {
    "/v1/models": (models) => openaiList(models, "library"),
    "/api/tags": (models) => ({ models: models.map(ollamaModel) }),
    "/api/ps": (models) => ({ models: models.slice(0, 1).map(ollamaModel) }),
    "/api/version": () => ({ version: "0.34.2" }),
  },
  error: (_status, message) => JSON.stringify({ error: message }),
  errorUnder200: (message) => `${JSON.stringify({ error: message })}\n`,
};

const openai: Protocol = {
  path: "/v1/chat/completions",
  formats: OPENAI_FORMATS,
  lists: { "/v1/models": (models) => openaiList(models, "system") },
  error(status, message) {
    const type = status >= 500 ? "server_error" : "invalid_request_error";
    return JSON.stringify({ error: { message, type, param: null, code: null } });
  },
  errorUnder200: (message) => JSON.stringify({ error: { message, code: 502 } }),
};

const anthropic: Protocol = {
  path: "/v1/messages",
  formats: { "/v1/messages": messages, "/v1/messages/count_tokens": countTokens },
  lists: {
    "/v1/models": (models) => ({
      data: models.map((id) => ({ id, type: "model", display_name: id, created_at: "2026-01-01T00:00:00Z" })),
      has_more: false,
      first_id: models[0] ?? null,
      last_id: models.at(-1) ?? null,
    }),
  },
  error(status, message) {
    const error = { type: status >= 500 ? "api_error" : "invalid_request_error", message };
    return JSON.stringify({ type: "error", error, request_id: "req_011CSHoEeqs5C35K2UUqR7Fy" });
  },
  errorUnder200: (message) => JSON.stringify({ type: "error", error: { type: "overloaded_error", message } }),
};

/** The protocols that model endpoints speak here, by the name of the provider that defines them. */
export const PROTOCOLS = { ollama, openai, anthropic } as const;

/** A protocol, by the provider that defines it. */
export type ProtocolName = keyof typeof PROTOCOLS;

function openaiList(models: readonly string[], owner: string): object {
  const data = models.map((id) => ({ id, object: "model", created: 1_795_255_200, owned_by: owner }));
  return { object: "list", data };
}

function ollamaModel(name: string): object {
  const modified = "2026-11-21T10:00:00.000000Z";
  return { name, model: name, modified_at: modified, size: 1, digest: "0".repeat(64), details: {} };
}
