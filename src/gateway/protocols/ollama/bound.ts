import { type WorstCase, worstMicros } from "../../../providers/estimate.ts";
import { isRecord } from "../../../providers/reply-json.ts";
import { Forbidden, requireExactKeys } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { requestTokensMax } from "../request-tokens.ts";

const KEYS = new Set([
  "model",
  "messages",
  "prompt",
  "suffix",
  "system",
  "template",
  "context",
  "raw",
  "input",
  "truncate",
  "dimensions",
  "images",
  "stream",
  "format",
  "keep_alive",
  "think",
  "logprobs",
  "top_logprobs",
  "tools",
  "options",
]);
/** They ask for a picture instead of text. */
const PICTURE_KEYS = ["width", "height", "steps"];
/** More than any model gives, and as a cost it would break the arithmetic. */
const LIMIT_MAX = 10_000_000;
/** Around the tools of a request, in tokens. */
const TOKENS_FOR_TOOLS = 1_024;

/**
 * The most that POST /api/chat or /api/generate can take (https://docs.ollama.com/api/chat). A limit of 0 or below is none to
 * Ollama; one is put in for it, and for whatever is no count.
 * @throws Forbidden for what has no bound on a model that costs money.
 */
export function boundGeneration(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { options } = body.said;
  const asked = isRecord(options) ? options.num_predict : undefined;
  const isLimit = typeof asked === "number" && Number.isInteger(asked) && asked > 0 && asked <= LIMIT_MAX;
  const limit = isLimit ? asked : rules.maxOutputTokens;
  const pins = isLimit ? {} : { options: { ...(isRecord(options) ? options : {}), num_predict: limit } };
  return { ...bound(body, model, limit), pins };
}

/** The most that POST /api/embed or /api/embeddings can take: it is all input. */
export function boundEmbedding(body: CallBody, model: AskedModel): Bound {
  return bound(body, model, 0);
}

function bound(body: CallBody, model: AskedModel, outputTokens: number): Bound {
  const { said } = body;
  requireExactKeys(said, KEYS);
  const messages = Array.isArray(said.messages) ? said.messages : [];
  const sized = requestTokensMax(body, messages.length) + (Array.isArray(said.tools) ? TOKENS_FOR_TOOLS : 0);
  const shared = { outputTokensMax: outputTokens, pins: {}, hidesUsage: false };
  if (model.isFree) {
    return { ...shared, estimateMicros: 0, outputMicros: 0, estimateTokens: sized + outputTokens };
  }
  const inputTokens = pricedInput(said, messages, model, sized);
  const worst: WorstCase = {
    inputTokens,
    outputTokens,
    passes: 1,
    cacheWrites: "5m",
    tier: Object.keys(said).every((key) => KEYS.has(key)) ? "listed" : "any",
    isRegional: "any",
    tools: {},
  };
  const { micros, outputMicros } = worstMicros(worst, model.price);
  return { ...shared, estimateMicros: micros, outputMicros, estimateTokens: inputTokens + outputTokens };
}

/** The bytes of a picture are no bound of its tokens: one of a single colour is small, and takes as many as any other. */
function pricedInput(
  said: CallBody["said"],
  messages: readonly unknown[],
  model: AskedModel,
  sized: number,
): number {
  const { contextWindow: window } = model.price;
  const picture = PICTURE_KEYS.find((key) => said[key] !== undefined && said[key] !== null);
  if (picture !== undefined) throw unbounded(picture, "a picture that is made has no bound that afk knows");
  for (const [index, tool] of (Array.isArray(said.tools) ? said.tools : []).entries()) {
    const type = isRecord(tool) ? (tool.type ?? "function") : undefined;
    if (type !== "function")
      throw unbounded(`tools[${index}]`, "only functions of the client's own have a bound");
  }
  const odd = messages.findIndex(
    (message) => isRecord(message) && Object.keys(message).some((key) => /[^a-z_]/.test(key)),
  );
  if (odd !== -1) throw unbounded(`messages[${odd}]`, "it has a key that Ollama may take for another");
  if (said.template !== undefined && said.template !== null) {
    // It may say the prompt as often as it wants.
    if (window === undefined)
      throw unbounded("template", `the context window of ${model.reference} is not known`);
    return window;
  }
  const shown = hasImages(said) ? "images" : messages.findIndex(hasImages);
  if (shown === -1) return Math.min(sized, window ?? sized);
  const param = shown === "images" ? shown : `messages[${shown}].images`;
  if (window === undefined) throw unbounded(param, `the context window of ${model.reference} is not known`);
  return window;
}

function hasImages(holder: unknown): boolean {
  return isRecord(holder) && Array.isArray(holder.images) && holder.images.length > 0;
}

function unbounded(param: string, because: string): Forbidden {
  return new Forbidden(
    param,
    `${param}: ${because}, so the request was not sent. Leave it out, or ask a model that costs nothing.`,
  );
}
