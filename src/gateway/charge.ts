import { messageOf } from "../lib/errors.ts";
import { oneLine } from "../lib/text.ts";
import { malformedFailure, type Subject } from "../providers/failures.ts";
import { costOf, costUnknown } from "../providers/performed.ts";
import { remoteFailure } from "../providers/remote-host.ts";
import type { Figures } from "../providers/types.ts";
import { CallFailed } from "../rails/call.ts";
import type { Performed } from "../rails/guard.ts";
import type { Target } from "./models.ts";
import type { Bound, CallRoute, Said } from "./protocols/protocol.ts";

/** What the call is charged; a CallFailed where nobody knows it. The client has its answer all the same. */
export function chargeOf(
  { target, bound, route }: { target: Target; bound: Bound; route: CallRoute },
  subject: Subject,
  said: Omit<Said, "error"> | null,
): Omit<Performed<never>, "value"> | CallFailed {
  if (said === null || route.isFree) return { costMicros: 0, inputTokens: null, outputTokens: null };
  // It was taken for free because it seemed to run here.
  if (said.remoteHost && target.check !== null)
    return remoteFailure(target.reference, said.remoteHost, "unknown");
  const asked = { ...target, outputTokensMax: bound.replyTokensMax ?? bound.outputTokensMax };
  const reply = { isEmptyReply: bound.outputTokensMax === 0, figures: said.figures };
  const { model } = said;
  try {
    const cost = costOf(asked, reply);
    if (model === null || model === "" || model === target.model || target.isFree) return cost;
    const other = target.priceOf(model);
    if (other === null) {
      if (isAtAskedPrice(target, model, said.figures)) return cost;
      throw otherModel(target, model);
    }
    // Another model answered than was asked: the dearer of the two prices.
    const otherCost = costOf({ ...asked, price: other }, reply);
    return otherCost.costMicros > cost.costMicros ? otherCost : cost;
  } catch (error) {
    return error instanceof CallFailed ? error : malformedFailure(subject, messageOf(error), error);
  }
}

/** Whether a reply that names a model without a price is known to cost no more than what was asked, or than it says itself. */
function isAtAskedPrice({ model, server }: Target, named: string, figures: Figures): boolean {
  // A deployment has the name that its owner gave it, and replies have the model's; no request can change which it is.
  if (server === "azure") return true;
  // What it bills is in its figures, and the request bounds the price.
  if (server === "openrouter" && "statedMicros" in figures) return true;
  return isSameModel(model, named);
}

/** Servers that choose a model themselves may choose one that costs a hundred times as much. */
function otherModel({ provider, reference }: Target, named: string): CallFailed {
  const other = `${provider}/${oneLine(named, 100)}`;
  const unknown =
    `the model that answered is ${other}, whose price is not known; state it in afk.yaml under models.prices: ` +
    `"${other}": { input: …, output: … }`;
  return costUnknown(reference, { unknown, hasOtherPrices: true });
}

/** What a name may end in without being another model: `latest`, where it runs, the day or the number of its version. */
const VERSION =
  /[-:@](latest|cloud|0|0\d\d|20\d{6}|20\d\d-\d\d-\d\d|(preview-)?\d\d-(\d\d|20\d\d)|(0[1-9]|1[0-2])[0-3]\d|2\d(0[1-9]|1[0-2]))$/;

/** Whether two names are of one model: in another case, with a provider before it or a version behind it. */
export function isSameModel(asked: string, named: string): boolean {
  const [one, other] = [plainName(asked), plainName(named)];
  return (
    one !== "" &&
    other !== "" &&
    (one === other || `/${one}`.endsWith(`/${other}`) || `/${other}`.endsWith(`/${one}`))
  );
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(".", "-").replace(VERSION, "");
}
