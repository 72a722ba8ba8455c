import type { GatewayConfig } from "../config/config.ts";
import { withKeys } from "../lib/json-text.ts";
import type { Asked } from "./asked.ts";
import type { Caller } from "./caller.ts";
import type { ModelBook, Target } from "./models.ts";
import type { ParsedBody } from "./parse.ts";
import { Forbidden } from "./protocols/forbidden.ts";
import { type Bound, type CallRoute, NO_COST } from "./protocols/protocol.ts";
import { Refused } from "./refusals.ts";
import { callersKey } from "./relay.ts";

interface BoundTools {
  config: () => { gateway: GatewayConfig };
}

interface BoundCall {
  asked: Asked;
  route: CallRoute;
  caller: Caller;
  body: ParsedBody;
}

/** The most that a call can cost, and the body that keeps to it. */
export interface Bounded {
  bound: Bound;
  text: string;
}

/**
 * Null for a model that was not asked for and cannot take the request: the client is told of the one that it meant.
 * @throws Forbidden, Refused
 */
export function boundOf(
  tools: BoundTools,
  book: ModelBook,
  call: BoundCall,
  target: Target,
  isOther: boolean,
): Bounded | null {
  try {
    return bounded(tools, book, call, target);
  } catch (error) {
    if (isOther && (error instanceof Forbidden || error instanceof Refused)) return null;
    throw error;
  }
}

function bounded(
  { config }: BoundTools,
  book: ModelBook,
  { route, body, caller, asked }: BoundCall,
  target: Target,
): Bounded {
  if (target.usesCallersKey && Object.keys(callersKey(asked.head)).length === 0)
    throw new Refused({ type: "key", message: noCredential(target) });
  const rules = { maxOutputTokens: config().gateway.maxOutputTokens, allow: caller.allow };
  const bound = route.isFree
    ? NO_COST
    : route.bound(
        body,
        { ...target, mayUse: (other) => book.mayUse(caller, `${target.provider}/${other}`) },
        rules,
      );
  // Also where the name came in another key: what is bounded is what is asked for.
  const isRenamed = route.method === "POST" && body.said.model !== target.model;
  const pins = isRenamed ? { ...bound.pins, model: target.model } : bound.pins;
  return { bound, text: withKeys(body.text, body.values, pins) };
}

function noCredential({ provider }: Target): string {
  return `afk: ${provider} takes its client's own credential (auth: client), and this request carries none beside afk's key; put afk's key into the path, /k/KEY/…, and the credential into its header, see docs/gateway.md.`;
}
