import { tierFactor } from "../../../providers/estimate.ts";
import { Forbidden } from "../forbidden.ts";
import type { AskedModel, CallBody, CallRules } from "../protocol.ts";

/** What servers call the tier of the listed prices: OpenAI and Azure, Bedrock, Groq. */
const LISTED = ["default", "standard", "on_demand"];

/** The tier that a call is reserved in, and what pins it. */
export interface Tier {
  tier: string;
  pins: Record<string, string>;
}

/**
 * At OpenAI itself a request without a tier gets what the owner's project has set, so one is always written. A dearer tier
 * needs the owner's leave, and a price.
 * @throws Forbidden
 */
export function tierOf(said: CallBody["said"], model: AskedModel, rules: CallRules): Tier {
  const asked = said.service_tier ?? null;
  if (model.isFree) return { tier: "listed", pins: {} };
  if (asked === null || LISTED.includes(String(asked))) {
    return {
      tier: "listed",
      pins: model.isOriginal && asked !== "default" ? { service_tier: "default" } : {},
    };
  }
  const tier = String(asked).slice(0, 50);
  const factor = tierFactor(tier, model.price);
  // Cheaper than the listed prices, which are what is reserved.
  if (factor !== null && factor <= 1) return { tier: "listed", pins: {} };
  if (!rules.allow.has("priority")) {
    if (model.isOriginal) return { tier: "listed", pins: { service_tier: "default" } };
    throw new Forbidden(
      "service_tier",
      `The tier "${tier}" may cost more than the listed price, and this client may not use it; leave service_tier out, or add priority to the client's allow in afk.yaml.`,
    );
  }
  if (tier === "auto" && model.price.tiers !== undefined) return { tier: "any", pins: {} };
  if (factor !== null) return { tier, pins: {} };
  throw new Forbidden(
    "service_tier",
    `The price of ${model.reference} in the tier "${tier}" is not known, so the request has no bound; leave service_tier out.`,
  );
}

/** The same model on a path of OpenAI's that has no tiers, and refuses the key: nothing is written there. */
export function withoutTiers(model: AskedModel): AskedModel {
  return { ...model, isOriginal: false };
}
