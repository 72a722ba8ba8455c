import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { noContent } from "./content.ts";
import { boundOf, inputOfPass } from "./cost.ts";
import { hasUnknownKey, KNOWN_KEYS, refuseKeys } from "./keys.ts";
import { countIn, generationsIn, injectedLimit, usagePins } from "./limits.ts";
import { tierOf, withoutTiers } from "./tier.ts";

/** What OpenAI itself writes at most where the request states no limit. */
const ORIGINAL_LIMIT = 16;

/** What a completion of the older API can cost at most: each prompt of a list is generated for. @throws Forbidden */
export function boundCompletion(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  refuseKeys(said, model, ["prompt"]);
  const prompts = promptCount(said.prompt);
  const inputTokens = inputOfPass(body, { ...noContent(), messages: prompts }, model, prompts);
  const given = countIn(said, "max_tokens", model);
  const injected = model.isOriginal ? ORIGINAL_LIMIT : injectedLimit(inputTokens, model, rules);
  const limit = given ?? injected;
  const generations = prompts * generationsIn(said, model);
  const { tier } = tierOf(said, withoutTiers(model), rules);
  const usage = usagePins(said, model);
  return boundOf(
    {
      inputTokens,
      passes: 1,
      // What is echoed may be counted as output.
      outputTokens: generations * (limit + (isOff(said.echo) ? 0 : inputTokens)),
      tier,
      tools: {},
      hasUnknownKeys: hasUnknownKey(said, KNOWN_KEYS.completions),
      pins: { ...(given === null ? { max_tokens: limit } : {}), ...usage.pins },
      hidesUsage: usage.hidesUsage,
    },
    body,
    model,
  );
}

/** Lenient servers take a text or a number for true. */
function isOff(flag: unknown): boolean {
  return flag === undefined || flag === null || flag === false;
}

/** How many prompts a list holds: texts and lists of tokens are one each, and so is a list of numbers. */
function promptCount(prompt: unknown): number {
  if (!Array.isArray(prompt) || prompt.length === 0) return 1;
  return prompt.every((each) => typeof each === "number") ? 1 : prompt.length;
}
