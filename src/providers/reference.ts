import { PROVIDER_NAMES, type ProviderName } from "../config/config.ts";
import { AfkError, EXIT } from "../lib/errors.ts";

/** Which model is meant: `ollama/qwen2.5:3b`, or `extractive`, which needs no provider. */
export type Reference = { provider: ProviderName; model: string } | { provider: "extractive"; model: null };

export class BadReference extends AfkError {
  constructor(reference: string) {
    const providers = PROVIDER_NAMES.map((name) => `${name}/MODEL`).join(", ");
    super("bad_model_reference", `"${reference}" names no model; write ${providers} or extractive.`, {
      retry: "never",
      exitCode: EXIT.config,
    });
  }
}

/** The model's own name may hold further slashes. Throws BadReference. */
export function parseReference(reference: string): Reference {
  if (reference === "extractive") return { provider: "extractive", model: null };
  const slash = reference.indexOf("/");
  const provider = PROVIDER_NAMES.find((name) => name === reference.slice(0, slash));
  const model = reference.slice(slash + 1);
  if (slash < 0 || provider === undefined || model === "" || /\s/.test(model)) {
    throw new BadReference(reference);
  }
  return { provider, model };
}
