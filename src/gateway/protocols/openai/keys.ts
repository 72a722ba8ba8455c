import { Forbidden, requireExactInside, requireExactKeys } from "../forbidden.ts";
import type { AskedModel, CallBody } from "../protocol.ts";
import { refuseAudio } from "./content.ts";

const SHARED = `max_output_tokens metadata model moderation n parallel_tool_calls prompt_cache_key prompt_cache_options
  prompt_cache_retention safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools
  top_logprobs top_p user`;

/** The top-level keys of each body of which it is known that they cost nothing, or what they cost. */
export const KNOWN_KEYS = {
  chat: words(`${SHARED} audio best_of frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens messages modalities prediction presence_penalty provider reasoning reasoning_effort repetition_penalty
    response_format top_k verbosity web_search_options`),
  completions:
    words(`${SHARED} best_of echo frequency_penalty logit_bias logprobs max_tokens presence_penalty prompt provider
    suffix top_k`),
  responses:
    words(`${SHARED} background client_metadata context_management conversation image include input instructions
    max_tool_calls previous_response_id prompt reasoning text truncation`),
  embeddings: words("model input dimensions encoding_format user"),
} as const;

/** Whether a body has a key that may change its price in a way that is not known here. */
export function hasUnknownKey(said: CallBody["said"], known: ReadonlySet<string>): boolean {
  return Object.keys(said).some((key) => !known.has(key));
}

const SEARCHES = "The provider would search, and nothing bounds how often";
const DETACHED =
  "The answer would go on being made at the provider after the connection is closed, where nothing can end it";
const ELSEWHERE = "It could go to another server, with the key of this one";
const OTHER_MODELS = "Another model could answer at another price";

/** Keys of OpenAI's and of others that speak its protocol which cost more than tokens, and why they are refused. */
const REFUSED: Readonly<Record<string, string>> = {
  background: DETACHED,
  deferred: DETACHED,
  models: OTHER_MODELS,
  fallbacks: OTHER_MODELS,
  plugins: SEARCHES,
  search_parameters: SEARCHES,
  web_search_options: SEARCHES,
  enable_search: SEARCHES,
  search_settings: SEARCHES,
  compound_custom: SEARCHES,
  providerOptions: OTHER_MODELS,
  provider_options: OTHER_MODELS,
  context_window_fallbacks: OTHER_MODELS,
  content_policy_fallbacks: OTHER_MODELS,
  preset: "What a stored preset asks for, its model included, is not known here",
  data_sources: "What the provider finds there is input too, and nothing bounds it",
  api_base: ELSEWHERE,
  base_url: ELSEWHERE,
  extra_body: "What it asks for is read by its server alone, and may be more than tokens",
  prompt: "What a stored prompt holds, its tools included, is not known here",
};

const ALL_KEYS = new Set([
  ...Object.values(KNOWN_KEYS).flatMap((keys) => [...keys]),
  ...Object.keys(REFUSED),
]);

/**
 * Refuses other spellings of keys on any model and, on a priced one, keys that have no bound; `but` are those that this route bounds.
 * @throws Forbidden
 */
export function refuseKeys(said: CallBody["said"], model: AskedModel, but: readonly string[] = []): void {
  requireExactKeys(said, ALL_KEYS);
  if (model.isFree) return;
  if (!model.isOriginal) requireExactInside(said);
  for (const [key, why] of Object.entries(REFUSED)) {
    if (but.includes(key) || isNothing(said[key])) continue;
    throw new Forbidden(
      key,
      `${why}, so the request to ${model.reference} has no bound and was not sent; leave ${key} out.`,
    );
  }
  const { audio, modalities } = said;
  if (!isNothing(audio)) refuseAudio("audio", model);
  const isText = !Array.isArray(modalities) || modalities.every((each) => each === "text");
  if (!isText || typeof modalities === "string") refuseAudio("modalities", model);
}

function isNothing(value: unknown): boolean {
  return (
    value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0)
  );
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
