import { json } from "../own-answers.ts";
import {
  type Answer,
  type CallRoute,
  type ListedModel,
  NO_COST,
  type OwnRoute,
  type Protocol,
} from "../protocol.ts";
import { boundEmbedding, boundGeneration } from "./bound.ts";
import { endLines, refuseOllama } from "./refusals.ts";
import { embeddingFigures, freeFigures, generationFigures, lineReader } from "./stream.ts";

const shared = {
  type: "call",
  protocol: "ollama",
  framing: "ndjson",
  reader: lineReader,
  streamError: endLines,
} as const;

/** LangChain for JavaScript and Pydantic AI read the same variable for the address, and the latter wants `/v1` in it. */
const BASES = ["", "/v1"];

const generation = (base: string, path: string): CallRoute => ({
  ...shared,
  method: "POST",
  path: `${base}${path}`,
  upstreamPath: () => path,
  isFree: false,
  isStreamed: ({ stream }) => stream !== false,
  bound: boundGeneration,
  figures: generationFigures,
});

const embedding = (base: string, path: string): CallRoute => ({
  ...shared,
  method: "POST",
  path: `${base}${path}`,
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
  bound: () => NO_COST,
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
    ...BASES.flatMap((base) => [
      generation(base, "/api/chat"),
      generation(base, "/api/generate"),
      embedding(base, "/api/embed"),
      embedding(base, "/api/embeddings"),
    ]),
    facts("POST", "/api/show"),
    facts("GET", "/api/version"),
    facts("GET", "/api/ps"),
    own("GET", "/api/tags", (_head, models) => json({ models: models.map(tag) })),
    own("GET", "/", () => text("Ollama is running")),
    own("HEAD", "/", () => text("")),
  ],
  refuse: refuseOllama,
};

/** A model as https://docs.ollama.com/api/tags lists it; nothing is known of its file here. */
function tag({ name }: ListedModel) {
  return {
    name,
    model: name,
    modified_at: "1970-01-01T00:00:00Z",
    size: 0,
    digest: "",
    details: { format: "", family: "", families: [], parameter_size: "", quantization_level: "" },
  };
}
