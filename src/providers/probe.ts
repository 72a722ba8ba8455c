import { KNOWN_PROVIDERS, parseReference } from "./registry.ts";
import type { Pricing, Probe } from "./types.ts";

/** Whether `probeModel` sends a request. */
export function isAskedForNothing(reference: string, { providers }: Pick<Pricing, "providers">): boolean {
  const parsed = parseReference(reference, providers);
  return !parsed.isOffline && parsed.type.probe !== undefined;
}

/** Whether a model could be asked: that it is there, where looking costs nothing, and else that there is a key. */
export async function probeModel(
  reference: string,
  { providers }: Pick<Pricing, "providers">,
): Promise<Probe> {
  const parsed = parseReference(reference, providers);
  if (parsed.isOffline) return { problem: null, found: "needs nothing" };
  const { name, model, type, config } = parsed;
  if (type.probe !== undefined) return await type.probe(model, { ...config, name });
  if (config.apiKey !== null) return { problem: null, found: "has a key (not tried: a call could cost)" };
  const setting = `models.providers.${name}.api_key`;
  const variable = Object.hasOwn(KNOWN_PROVIDERS, name) ? KNOWN_PROVIDERS[name]?.keyVariable : null;
  return { problem: "has no key", mend: `set ${variable ? `${variable} or ` : ""}${setting}` };
}
