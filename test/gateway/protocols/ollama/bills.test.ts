import { expect, it } from "vitest";
import { embeddingFigures, generationFigures } from "../../../../src/gateway/protocols/ollama/stream.ts";
import { costMicros } from "../../../../src/providers/estimate.ts";
import { priceOf } from "../../../../src/providers/prices.ts";
import { chainConfig } from "../../../providers/chain-config.ts";

/** What an owner states for a model that Ollama runs on its own servers, in USD per million tokens. */
const STATED = {
  "ollama/big:cloud": { input: 0.5, output: 2 },
  "ollama/numbers:cloud": { input: 0.1, output: 0 },
};
const at = (model: string) => priceOf(`ollama/${model}`, chainConfig([], {}, { prices: STATED }));

it.each<[string, string, ReturnType<typeof generationFigures>, number]>([
  [
    "input and output",
    "big:cloud",
    generationFigures({ done: true, prompt_eval_count: 2_000, eval_count: 300 }),
    2_000 * 0.5 + 300 * 2,
  ],
  [
    "a prompt that was cached, whose count is left out",
    "big:cloud",
    generationFigures({ done: true, eval_count: 300 }),
    300 * 2,
  ],
  [
    "numbers of a text",
    "numbers:cloud",
    embeddingFigures({ embeddings: [[0.5]], prompt_eval_count: 5_000 }),
    5_000 * 0.1,
  ],
  [
    "a model of your own machine",
    "qwen2.5:3b",
    generationFigures({ done: true, prompt_eval_count: 9, eval_count: 9 }),
    0,
  ],
])("bills %s", (_, model, { figures }, micros) => {
  expect("unknown" in figures ? figures : costMicros(figures, at(model))).toBe(micros);
});

it.each<[string, object]>([
  ["half a token", { done: true, prompt_eval_count: 1.5, eval_count: 3 }],
  ["fewer than none", { done: true, prompt_eval_count: 10, eval_count: -3 }],
  ["a reply that is not done", { done: false, prompt_eval_count: 10, eval_count: 3 }],
])("does not guess what %s costs", (_, reply) => {
  expect(generationFigures(reply).figures).toHaveProperty("unknown");
});
