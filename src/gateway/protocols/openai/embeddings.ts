import { Forbidden } from "../forbidden.ts";
import type { AskedModel, Bound, CallBody, CallRules } from "../protocol.ts";
import { noContent } from "./content.ts";
import { boundOf, inputOfPass } from "./cost.ts";
import { hasUnknownKey, KNOWN_KEYS, refuseKeys } from "./keys.ts";
import { tierOf, withoutTiers } from "./tier.ts";

/** What embeddings can cost at most: input alone. @throws Forbidden */
export function boundEmbeddings(body: CallBody, model: AskedModel, rules: CallRules): Bound {
  const { said } = body;
  refuseKeys(said, model);
  const { tier } = tierOf(said, withoutTiers(model), rules);
  return boundOf(
    {
      inputTokens: inputOf(body, model),
      passes: 1,
      outputTokens: 0,
      tier,
      tools: {},
      hasUnknownKeys: hasUnknownKey(said, KNOWN_KEYS.embeddings),
      pins: {},
      hidesUsage: false,
    },
    body,
    model,
  );
}

function inputOf(body: CallBody, model: AskedModel): number {
  const { input } = body.said;
  const parts: unknown[] = Array.isArray(input) ? input : [input];
  const tokens = parts.flat();
  // Texts that are tokens already have no others.
  if (parts.length > 0 && tokens.every((token) => typeof token === "number")) return tokens.length;
  const other = tokens.findIndex((part) => typeof part === "object" && part !== null);
  if (other !== -1 && !model.isFree) {
    throw new Forbidden(
      "input",
      `The input of ${model.reference} holds what is neither text nor tokens, and what that can cost is not known, so the request was not sent; send texts, or lists of tokens.`,
    );
  }
  return inputOfPass(body, { ...noContent(), messages: parts.length }, model, parts.length);
}
