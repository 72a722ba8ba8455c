import type { CallRoute, Protocol } from "../protocol.ts";
import { boundChat } from "./chat.ts";
import { boundCompletion } from "./completions.ts";
import { boundEmbeddings } from "./embeddings.ts";
import { chatReply, embeddingsReply, responseReply } from "./figures.ts";
import { MODEL_ROUTES } from "./models.ts";
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
    ...MODEL_ROUTES,
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
