import { anthropicFigures } from "../../../src/providers/anthropic/usage.ts";
import { costMicros } from "../../../src/providers/estimate.ts";
import { openaiFigures, responsesFigures } from "../../../src/providers/openai/usage.ts";
import { priceOf, UnpricedModel } from "../../../src/providers/prices.ts";
import { KNOWN_PROVIDERS } from "../../../src/providers/registry.ts";
import type { Figures, Price } from "../../../src/providers/types.ts";
import { providerAt } from "../chain-config.ts";

/** A bill that is worked out from the provider's public prices: tokens x USD per million are micro-dollars. */
export type Bill = [name: string, model: string, figures: Figures, micros: number];

/** What is rounded up for each kind of tokens in each pass. */
const ROUNDING_MICROS = 6;

const providers = Object.fromEntries(
  Object.entries(KNOWN_PROVIDERS).flatMap(([name, { type, baseUrl }]) =>
    baseUrl === null ? [] : [[name, providerAt(type, baseUrl)]],
  ),
);

/** The price of the shipped table; null for an unknown model. */
function priceIn(reference: string): Price | null {
  try {
    return priceOf(reference, { prices: {}, providers });
  } catch (error) {
    if (error instanceof UnpricedModel) return null;
    throw error;
  }
}

/** What the call is booked at. */
export function costOf(model: string, figures: Figures) {
  const price = priceIn(model);
  if (price === null) throw new Error(`${model} has no price`);
  if ("unknown" in figures) return figures;
  return costMicros(figures, price, (other) => priceIn(`${model.slice(0, model.indexOf("/"))}/${other}`));
}

/** "exactly" where the books have the bill, rounded up; else what they have instead. */
export function isBilled(model: string, figures: Figures, micros: number) {
  const cost = costOf(model, figures);
  const passes = 1 + ("unknown" in figures ? 0 : (figures.passes?.length ?? 0));
  const isExact =
    typeof cost === "number" &&
    cost >= Math.floor(micros) &&
    cost <= Math.ceil(micros) + ROUNDING_MICROS * passes;
  return isExact ? "exactly" : { booked: cost, billed: micros };
}

export const claude = (input: number, output: number, more: object = {}) =>
  anthropicFigures({ input_tokens: input, output_tokens: output, ...more });
export const pass = (type: string, input: number, output: number, more: object = {}) => ({
  type,
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  ...more,
});
export const hour = (minutes: number, hours: number) => ({
  cache_creation_input_tokens: minutes + hours,
  cache_creation: { ephemeral_5m_input_tokens: minutes, ephemeral_1h_input_tokens: hours },
});
export const chat = (prompt: number, completion: number, usage: object = {}, more: object = {}) =>
  openaiFigures({ usage: { prompt_tokens: prompt, completion_tokens: completion, ...usage }, ...more });
export const response = (input: number, output: number, details: object = {}, more: object = {}) =>
  responsesFigures({
    object: "response",
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0, ...details },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
    ...more,
  });
export const cached = (tokens: number) => ({ prompt_tokens_details: { cached_tokens: tokens } });
export const search = (type: string) => ({ type: "web_search_call", status: "completed", action: { type } });
export const code = (container: string) => ({ type: "code_interpreter_call", container_id: container });
