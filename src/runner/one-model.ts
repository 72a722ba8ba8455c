import { refuseUncapped } from "../ops/read-config.ts";
import type { Chain } from "../providers/chain.ts";
import { isFree, priceOf } from "../providers/prices.ts";
import type { Configured } from "./dependencies.ts";

/**
 * Of one model that afk.yaml need not name, under the same conditions as those that it does.
 * @throws UnpricedModel, ConfigError (exit 78)
 */
export function chainOf({ config, chain: usual }: Configured, model: string): Chain {
  const chain = usual.of({ chain: [model] });
  if (!isFree(priceOf(model, config.models))) refuseUncapped(config, `${model} costs money`);
  return chain;
}
