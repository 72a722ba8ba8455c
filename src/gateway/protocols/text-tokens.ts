import { tokensMax } from "../../providers/estimate.ts";
import type { CallBody } from "./protocol.ts";

/**
 * The most tokens that a body can be whose every part is text. A character that stands in it as an escape (`\ufdfa`) takes six
 * bytes there, and more than that once it is normalised; so a body with escapes is measured without them too.
 */
export function textTokensMax({ text, said }: CallBody, messageCount: number): number {
  const asItCame = tokensMax(text, messageCount);
  return text.includes("\\u") ? Math.max(asItCame, tokensMax(JSON.stringify(said), messageCount)) : asItCame;
}
