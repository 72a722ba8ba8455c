import { expect, it } from "vitest";
import { anthropic } from "../../../src/gateway/protocols/anthropic/anthropic.ts";
import { Forbidden } from "../../../src/gateway/protocols/forbidden.ts";
import { ollama } from "../../../src/gateway/protocols/ollama/ollama.ts";
import { openai } from "../../../src/gateway/protocols/openai/openai.ts";
import { body, local, rules } from "./calls.ts";

const CALLS = [openai, anthropic, ollama]
  .flatMap(({ routes }) => routes)
  .filter((route) => route.type === "call")
  .filter(({ isFree }) => !isFree);

it.each(CALLS)("$method $path refuses other spellings of its keys, which Ollama takes for them", (route) => {
  const said = { model: "m", messages: [], prompt: "a", input: "a" };
  const bound = (changes: object) => route.bound(body({ ...said, ...changes }), local(), rules());
  for (const key of ["Model", "MODEL", "ſtream", "Stream", "toolſ"].filter(
    (each) => !(each === "toolſ" && /embed/.test(route.path)),
  )) {
    expect(() => bound({ [key]: "other:cloud" }), key).toThrow(Forbidden);
  }
  expect(() => bound({ somethingNew: 1 })).not.toThrow();
});
