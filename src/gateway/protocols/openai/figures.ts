import { openaiFigures, responsesFigures } from "../../../providers/openai/usage.ts";
import { errorIn, isRecord } from "../../../providers/reply-json.ts";
import type { Figures } from "../../../providers/types.ts";
import type { CallRoute } from "../protocol.ts";
import { isSearchModel } from "./chat.ts";

type Read = ReturnType<CallRoute["figures"]>;

/** What a whole chat completion, or one chunk of it, says. */
export function chatReply(said: unknown): Read {
  const reply = isRecord(said) ? said : {};
  const model = modelIn(reply);
  return { figures: withSearch(openaiFigures(reply), model), model, error: errorOf(reply) };
}

/** What embeddings say: they have no output. */
export function embeddingsReply(said: unknown): Read {
  const reply = isRecord(said) ? said : {};
  const usage = isRecord(reply.usage) ? { completion_tokens: 0, ...reply.usage } : reply.usage;
  return { figures: openaiFigures({ ...reply, usage }), model: modelIn(reply), error: errorOf(reply) };
}

/** What a whole response says, by itself or inside its last event. */
export function responseReply(said: unknown): Read {
  const reply = isRecord(said) ? said : {};
  return { figures: responsesFigures(reply), model: modelIn(reply), error: errorOf(reply) };
}

/** The provider's own words where it says that it failed; null for none. Servers have `error`, or an object of that name. */
export function errorOf(said: Record<string, unknown>): string | null {
  const words = errorIn(said);
  if (words !== null) return words;
  if (isRecord(said.error)) return "an error without words";
  if (said.object !== "error" && said.type !== "error") return null;
  return typeof said.message === "string" ? said.message : "an error without words";
}

function modelIn({ model }: Record<string, unknown>): string | null {
  return typeof model === "string" && model !== "" ? model.slice(0, 200) : null;
}

/** The models that search before each answer do not say so in their figures. */
function withSearch(figures: Figures, model: string | null): Figures {
  if ("unknown" in figures || model === null || !isSearchModel(model)) return figures;
  return { ...figures, tools: { web_search: 1, ...figures.tools } };
}
