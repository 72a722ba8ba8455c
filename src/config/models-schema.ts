import * as v from "valibot";
import { TOKEN_LIMITS } from "./config.ts";
import { duration, integer, number, section, text, url } from "./fields.ts";

const MODEL_PATTERN = /^(?:(?:ollama|openai|anthropic)\/\S+|extractive)$/;

/** The `models:` section. */
export function modelsSchema() {
  const model = "write ollama/NAME, openai/NAME, anthropic/NAME or extractive (which needs no model)";
  const chain =
    "write a list of models in the order to try them, for example [ollama/qwen2.5:3b, extractive]";
  return section("Which models are asked, and how.", {
    chain: v.pipe(
      v.array(v.pipe(v.string(model), v.regex(MODEL_PATTERN, model)), chain),
      v.minLength(1, chain),
      v.maxLength(20, "write at most 20 models"),
      v.description(
        "Models in the order they are tried: ollama/NAME, openai/NAME, anthropic/NAME, extractive.",
      ),
    ),
    on_cap: v.optional(
      v.pipe(
        v.picklist(["halt", "fallback"]),
        v.description("When a cap is reached: halt, or go on with a model of the chain that costs nothing."),
      ),
      "halt",
    ),
    max_output_tokens: v.optional(
      integer("Bound on each reply, in tokens.", "the most tokens of a reply", { min: 1, max: 1_000_000 }),
      512,
    ),
    timeout: v.optional(duration("A model call is given up after this long.", "1d"), "5m"),
    providers: v.optional(providers(), {}),
    prices: v.optional(prices(), {}),
  });
}

function providers() {
  return section("Where the models are reached.", {
    ollama: v.optional(provider("http://localhost:11434", {}), {}),
    openai: v.optional(provider("https://api.openai.com/v1", { token_limit: tokenLimit() }), {}),
    anthropic: v.optional(provider("https://api.anthropic.com", {}), {}),
  });
}

function tokenLimit() {
  return v.optional(
    v.pipe(
      v.picklist(TOKEN_LIMITS),
      v.description(
        "Field that bounds the reply: max_completion_tokens at https://api.openai.com, max_tokens at every other address unless stated.",
      ),
    ),
  );
}

function provider<const Entries extends v.ObjectEntries>(baseUrl: string, more: Entries) {
  const write = `write the key as the provider shows it, without spaces, best as \${NAME} from the environment`;
  return section(`Address and key; the address is ${baseUrl} unless stated.`, {
    base_url: v.optional(url("Base address of the API.", baseUrl), baseUrl),
    api_key: v.optional(text(`Key of the API; best given as \${NAME}.`, write, /^[!-~]+$/, 1000)),
    ...more,
  });
}

function prices() {
  const reference = "write prices under a model's name as in the chain, for example openai/my-model";
  const write = "write US dollars per million tokens, for example 0.40";
  const price = (description: string) => number(description, write, { min: 0, max: 1_000_000 });
  const perMillion = "US dollars per million tokens.";
  return v.pipe(
    v.record(
      v.pipe(v.string(reference), v.regex(MODEL_PATTERN, reference)),
      section("Prices of one model.", {
        input: price(perMillion),
        output: price(perMillion),
        cache_read: v.optional(
          price("Input that was read from the provider's cache; as input unless stated."),
        ),
        cache_write: v.optional(
          price("Input that was written to the provider's cache; 1.25 times input unless stated."),
        ),
      }),
      reference,
    ),
    v.description("Prices of models that the shipped table lacks, or has wrong; USD per million tokens."),
  );
}
