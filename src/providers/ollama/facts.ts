import { type Clock, systemClock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { asSentence } from "../../lib/text.ts";
import { CallFailed } from "../../rails/call.ts";
import { type Endpoint, post } from "../http.ts";
import { remoteFailure, remoteHostIn } from "../remote-host.ts";
import { isRecord, parseJson } from "../reply-json.ts";
import type { CallOptions } from "../types.ts";

/** What Ollama knows of a model, as far as a call depends on it. */
interface ModelFacts {
  /** It reasons before it answers, unless it is asked not to; others answer 400 to being asked. */
  hasThinking: boolean;
  /** Whose machine it runs on, where this Ollama only passes requests on; null for its own. */
  remoteHost: string | null;
  /** Why nobody knows where it runs; null where the server was asked and answered. */
  unanswered: CallFailed | null;
}

const TIMEOUT_MS = 5_000;
/** A model may be fetched, or exchanged for one that runs elsewhere, at any time. */
const KEPT_MS = MINUTE_MS;
/** Clients of the gateway can ask for any name. */
const NAMES_MAX = 500;
const NOTHING_SAID: ModelFacts = { hasThinking: false, remoteHost: null, unanswered: null };

/**
 * Asks POST /api/show (https://docs.ollama.com/api-reference/show-model-details), which costs nothing and starts nothing, and
 * believes the answer for a minute. `to` is that address. A server that refuses the question is old, only speaks like Ollama, or
 * does not have the model, and is asked again the next time.
 */
export function createFacts(to: Endpoint, clock: Pick<Clock, "uptimeMs"> = systemClock) {
  const known = new Map<string, ModelFacts & { untilMs: number }>();
  const reasoning = new Set<string>();
  return {
    /** @throws CallFailed when the call is aborted meanwhile; nothing of it was sent. */
    async of(model: string, call: CallOptions): Promise<ModelFacts> {
      const kept = known.get(model);
      const isFresh = kept !== undefined && clock.uptimeMs() < kept.untilMs;
      const found = isFresh ? kept : await show(to, model, call);
      if (!isFresh) known.delete(model);
      if (!isFresh && found !== NOTHING_SAID && found.unanswered === null) {
        dropOldest(known);
        known.set(model, { ...found, untilMs: clock.uptimeMs() + KEPT_MS });
      }
      return { ...found, hasThinking: found.hasThinking || reasoning.has(model) };
    },
    /** Its reply had reasoning in it, whatever the server says of it, or does not. */
    hasReasoned(model: string): void {
      dropOldest(reasoning);
      reasoning.add(model);
    },
    /** After a call that failed: the model may have been fetched, or exchanged, since it was asked about. */
    forget: (model: string) => void known.delete(model),
  };
}

/** Makes room for one more. */
function dropOldest(names: Map<string, unknown> | Set<string>): void {
  for (const name of names.keys()) {
    if (names.size < NAMES_MAX) return;
    names.delete(name);
  }
}

/** @throws CallFailed for a model that costs nothing only where it runs here, which it does not, or nobody knows it. */
export function requireLocal(reference: string, { remoteHost, unanswered }: ModelFacts): void {
  if (remoteHost !== null) throw remoteFailure(reference, remoteHost, "none");
  if (unanswered !== null) throw unanswered;
}

async function show(to: Endpoint, model: string, call: CallOptions): Promise<ModelFacts> {
  try {
    const limits = { ...call, timeoutMs: Math.min(TIMEOUT_MS, call.timeoutMs) };
    const said = await post(to, model, JSON.stringify({ model }), limits, async (reply) =>
      parseJson(await reply.text()),
    );
    if (!isRecord(said)) return NOTHING_SAID;
    const { capabilities } = said;
    return {
      hasThinking: Array.isArray(capabilities) && capabilities.includes("thinking"),
      remoteHost: remoteHostIn(said),
      unanswered: null,
    };
  } catch (error) {
    if (call.signal.aborted)
      throw new CallFailed("aborted before it was sent", { charge: "none", trip: "none", cause: error });
    if (error instanceof CallFailed && error.fault === "refusal") return NOTHING_SAID;
    return { ...NOTHING_SAID, unanswered: unansweredBy(to, model, error) };
  }
}

/** The call itself was not sent, whatever became of the question. */
function unansweredBy({ provider }: Endpoint, model: string, error: unknown): CallFailed {
  const fields = error instanceof CallFailed ? error : { trip: "count" as const };
  const message =
    `${provider} did not say whether ${model} runs on its machine and costs nothing, so it was not called: ${asSentence(messageOf(error))} ` +
    `A price of 0 under models.prices is your word that it costs nothing.`;
  return new CallFailed(message, { ...fields, charge: "none", cause: error });
}
