import * as v from "valibot";
import { OFFLINE_NAMES, PROVIDER_TYPES, referenceAdvice } from "../providers/registry.ts";

/** A provider's name and the model's own, or what needs no provider. */
export const MODEL_PATTERN = new RegExp(`^(?:[A-Za-z0-9][\\w.-]*/\\S+|${OFFLINE_NAMES.join("|")})$`);

/** Models in the order in which they are tried: of `models.chain`, or of one job. */
export function chainSchema(description: string) {
  const names = PROVIDER_TYPES.map(({ type }) => `${type}/NAME`).join(", ");
  const model = `write ${names}, PROVIDER/NAME, or ${OFFLINE_NAMES.join(", ")} (which needs no model)`;
  const chain =
    "write a list of models in the order to try them, for example [ollama/qwen2.5:3b, extractive]";
  return v.pipe(
    v.array(v.pipe(v.string(model), v.regex(MODEL_PATTERN, model)), chain),
    v.minLength(1, chain),
    v.maxLength(20, "write at most 20 models"),
    v.description(description),
  );
}

/**
 * What is wrong with a model that afk itself is to ask, in view of the providers: a message, or null.
 * @param named the providers that have an address.
 */
export function referenceProblem(
  reference: string,
  named: readonly string[],
  authOf: (provider: string) => "client" | undefined,
): string | null {
  if (OFFLINE_NAMES.includes(reference) || !MODEL_PATTERN.test(reference)) return null;
  const found = `found ${JSON.stringify(reference)}`;
  if (!named.some((name) => reference.startsWith(`${name}/`)))
    return `${found}; ${referenceAdvice(reference, named)}`;
  const name = reference.slice(0, reference.indexOf("/"));
  if (authOf(name) === undefined) return null;
  return `${found}; ${name} has auth: client, and afk's own calls have no caller whose credential could be handed on; write a model of another provider`;
}
