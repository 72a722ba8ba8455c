import { json, MODELS_PATH, namedModel } from "../own-answers.ts";
import type { CallRoute, ListedModel, OwnRoute, Protocol } from "../protocol.ts";
import { boundChat } from "./chat.ts";
import { boundCompletion } from "./completions.ts";
import { boundEmbeddings } from "./embeddings.ts";
import { chatReply, embeddingsReply, responseReply } from "./figures.ts";
import { chatStreamError, refuse, responsesStreamError } from "./refusals.ts";
import { boundResponse } from "./responses.ts";
import { chatReader, responsesReader } from "./streams.ts";

/** OpenAI's protocol, which most servers speak (https://platform.openai.com/docs/api-reference). */
export const openai: Protocol = {
  name: "openai",
  routes: [
    call("/v1/chat/completions", { bound: boundChat }),
    call("/v1/completions", { bound: boundCompletion }),
    call("/v1/embeddings", { bound: boundEmbeddings, figures: embeddingsReply, isStreamed: () => false }),
    call("/v1/responses", {
      bound: boundResponse,
      figures: responseReply,
      reader: responsesReader,
      streamError: responsesStreamError,
    }),
    own(MODELS_PATH, (_head, models) => json({ object: "list", data: models.map(shape) })),
    own(`${MODELS_PATH}/*`, (head, models) => {
      const found = namedModel(head, models);
      return "type" in found ? found : json(shape(found));
    }),
  ],
  refuse,
};

/** A route as chat has it, but for what is its own. */
function call(path: string, own: Pick<CallRoute, "bound"> & Partial<CallRoute>): CallRoute {
  return {
    type: "call",
    protocol: "openai",
    method: "POST",
    path,
    // The address of a provider of this type ends in /v1; that of Ollama does not.
    upstreamPath: (type) => (type === "ollama" ? path : path.slice("/v1".length)),
    isFree: false,
    isStreamed: ({ stream }) => stream === true,
    figures: chatReply,
    framing: "sse",
    reader: chatReader,
    streamError: chatStreamError,
    ...own,
  };
}

function own(path: string, answer: OwnRoute["answer"]): OwnRoute {
  return { type: "own", protocol: "openai", method: "GET", path, answer };
}

function shape({ name, reference }: ListedModel) {
  return { id: name, object: "model", created: 0, owned_by: reference.split("/")[0] };
}
