import { AfkError, EXIT } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { anthropic } from "./anthropic/anthropic.ts";
import { extractive } from "./extractive/extractive.ts";
import { ollama } from "./ollama/ollama.ts";
import { openai } from "./openai/openai.ts";
import type { KnownProvider, OfflineProvider, ProviderConfig, ProviderType } from "./types.ts";

/** Every type of provider, in the order in which people are told of them. */
const TYPES: readonly (ProviderType | OfflineProvider)[] = [ollama, openai, anthropic, extractive];

/** The types that ask a server. */
export const PROVIDER_TYPES = TYPES.filter((each) => !each.isOffline);
const OFFLINE = TYPES.filter((each) => each.isOffline);

/** The references that are a word alone, since they need no provider. */
export const OFFLINE_NAMES = OFFLINE.map(({ type }) => type);

/** The names that need no type in afk.yaml. */
export const KNOWN_PROVIDERS: Readonly<Record<string, KnownProvider & { type: string }>> = Object.fromEntries(
  PROVIDER_TYPES.flatMap(({ type, known }) =>
    Object.entries(known).map(([name, each]) => [name, { type, ...each }]),
  ),
);

/** Which model is meant: one behind a provider of the configuration, or an answer that needs none. */
type Reference =
  | { isOffline: true; provider: OfflineProvider }
  | { isOffline: false; name: string; model: string; type: ProviderType; config: ProviderConfig };

/** Exit code 78. */
export class BadReference extends AfkError {
  constructor(problem: string) {
    super("bad_model_reference", problem, { retry: "never", exitCode: EXIT.config });
  }
}

/**
 * What `ollama/qwen2.5:3b` or `extractive` means; the model's own name may hold further slashes.
 * @throws BadReference
 */
export function parseReference(
  reference: string,
  providers: Readonly<Record<string, ProviderConfig>>,
): Reference {
  const provider = OFFLINE.find(({ type }) => type === reference);
  if (provider !== undefined) return { isOffline: true, provider };
  const slash = reference.indexOf("/");
  const name = reference.slice(0, Math.max(slash, 0));
  const model = reference.slice(slash + 1);
  const config = Object.hasOwn(providers, name) ? providers[name] : undefined;
  const type = PROVIDER_TYPES.find((each) => each.type === config?.type);
  if (config === undefined || type === undefined || model === "" || /\s/.test(model)) {
    const advice = referenceAdvice(reference, Object.keys(providers));
    throw new BadReference(`"${reference}" names no model; ${advice}.`);
  }
  return { isOffline: false, name, model, type, config };
}

/** What to write instead of a reference that names none of `names`, with the one that is probably meant. */
export function referenceAdvice(
  reference: string,
  names: readonly string[],
  offline: readonly string[] = OFFLINE_NAMES,
): string {
  const slash = reference.indexOf("/");
  const meant = slash > 0 ? nearest(reference.slice(0, slash), names) : null;
  const isNews = meant !== null && !reference.startsWith(`${meant}/`);
  const all = [...names.map((name) => `${name}/MODEL`), ...offline];
  return `${isNews ? `did you mean ${meant}${reference.slice(slash)}? ` : ""}write one of ${all.join(", ")}`;
}
