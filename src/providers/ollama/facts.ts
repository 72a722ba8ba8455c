import { CallFailed } from "../../rails/call.ts";
import { type Endpoint, post } from "../http.ts";
import { isRecord, parseJson } from "../reply-json.ts";
import type { CallOptions } from "../types.ts";

/** What Ollama knows of a model, as far as a call depends on it. */
interface ModelFacts {
  /** It reasons before it answers, unless it is asked not to; others answer 400 to being asked. */
  hasThinking: boolean;
  /** Whose machine it runs on, where this Ollama only passes requests on; null for its own. */
  remoteHost: string | null;
}

const TIMEOUT_MS = 5_000;
const NOTHING_KNOWN: ModelFacts = { hasThinking: false, remoteHost: null };

/**
 * Asks POST /api/show (https://docs.ollama.com/api-reference/show-model-details) once for each model, which costs nothing and
 * starts nothing. `to` is that address. Nothing is known of a model where it gives no answer in time: old servers, and what
 * only speaks like Ollama.
 */
export function createFacts(to: Endpoint) {
  const known = new Map<string, ModelFacts>();
  const reasoning = new Set<string>();
  return {
    /** @throws CallFailed when the call is aborted meanwhile; nothing of it was sent. */
    async of(model: string, call: CallOptions): Promise<ModelFacts> {
      const found = known.get(model) ?? (await show(to, model, call));
      // Of a server that gave no answer nothing is known the next time either: it may only have been slow.
      if (found !== NOTHING_KNOWN) known.set(model, found);
      return { ...found, hasThinking: found.hasThinking || reasoning.has(model) };
    },
    /** Its reply had reasoning in it, whatever the server says of it, or does not. */
    hasReasoned: (model: string) => void reasoning.add(model),
    /** After a call that failed: the model may have been fetched, or exchanged, since it was asked about. */
    forget: (model: string) => void known.delete(model),
  };
}

async function show(to: Endpoint, model: string, call: CallOptions): Promise<ModelFacts> {
  try {
    const limits = { ...call, timeoutMs: Math.min(TIMEOUT_MS, call.timeoutMs) };
    const said = await post(to, model, JSON.stringify({ model }), limits, async (reply) =>
      parseJson(await reply.text()),
    );
    if (!isRecord(said)) return NOTHING_KNOWN;
    const { capabilities } = said;
    return {
      hasThinking: Array.isArray(capabilities) && capabilities.includes("thinking"),
      remoteHost: remoteHostIn(said),
    };
  } catch (error) {
    // It answered that it knows no such question, and will again.
    if (error instanceof CallFailed && error.fault === "refusal") return { ...NOTHING_KNOWN };
    if (!call.signal.aborted) return NOTHING_KNOWN;
    throw new CallFailed("aborted before it was sent", { charge: "none", trip: "none", cause: error });
  }
}

/** Ollama names it in what it says of a model, and in the model's replies. */
export function remoteHostIn({
  remote_host: host,
  remote_model: model,
}: Record<string, unknown>): string | null {
  if (typeof host === "string" && host !== "") return host;
  return typeof model === "string" && model !== "" ? "another machine" : null;
}
