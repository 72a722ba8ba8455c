import type { Answer, CallRoute, OwnRoute, Protocol } from "../protocol.ts";
import { boundEmbedding, boundGeneration, NOTHING } from "./bound.ts";
import { endLines, refuseOllama } from "./refusals.ts";
import { embeddingFigures, freeFigures, generationFigures, lineReader } from "./stream.ts";
import { listTags } from "./tags.ts";

const shared = {
  type: "call",
  protocol: "ollama",
  framing: "ndjson",
  reader: lineReader,
  streamError: endLines,
} as const;

const generation = (path: string): CallRoute => ({
  ...shared,
  method: "POST",
  path,
  upstreamPath: () => path,
  isFree: false,
  isStreamed: ({ stream }) => stream !== false,
  bound: boundGeneration,
  figures: generationFigures,
});

const embedding = (path: string): CallRoute => ({
  ...shared,
  method: "POST",
  path,
  upstreamPath: () => path,
  isFree: false,
  isStreamed: () => false,
  bound: boundEmbedding,
  figures: embeddingFigures,
});

/** Facts of models and of the server, which run nothing. */
const facts = (method: "GET" | "POST", path: string): CallRoute => ({
  ...shared,
  method,
  path,
  upstreamPath: () => path,
  isFree: true,
  isStreamed: () => false,
  bound: () => NOTHING,
  figures: freeFigures,
});

const own = (method: OwnRoute["method"], path: string, answer: OwnRoute["answer"]): OwnRoute => ({
  type: "own",
  protocol: "ollama",
  method,
  path,
  answer,
});

const text = (body: string): Answer => ({ status: 200, headers: { "content-type": "text/plain" }, body });

/**
 * What clients of Ollama ask (https://docs.ollama.com/api). Whatever fetches, makes or deletes models is left out. Its
 * /v1 speaks the two other protocols, and is theirs.
 */
export const ollama: Protocol = {
  name: "ollama",
  routes: [
    generation("/api/chat"),
    generation("/api/generate"),
    embedding("/api/embed"),
    embedding("/api/embeddings"),
    facts("POST", "/api/show"),
    facts("GET", "/api/version"),
    facts("GET", "/api/ps"),
    own("GET", "/api/tags", listTags),
    own("GET", "/", () => text("Ollama is running")),
    own("HEAD", "/", () => text("")),
  ],
  refuse: refuseOllama,
};
