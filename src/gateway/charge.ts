import { messageOf } from "../lib/errors.ts";
import { malformedFailure, type Subject } from "../providers/failures.ts";
import { answeredBy } from "../providers/other-model.ts";
import { costOf } from "../providers/performed.ts";
import { remoteFailure } from "../providers/remote-host.ts";
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
  const outputTokensMax = bound.replyTokensMax ?? bound.outputTokensMax;
  const asked = { ...target, otherPriceOf: target.priceOf, outputTokensMax };
  const figures = answeredBy(said.figures, said.model, target.model);
  try {
    return costOf(asked, { isEmptyReply: bound.outputTokensMax === 0, figures });
  } catch (error) {
    return error instanceof CallFailed ? error : malformedFailure(subject, messageOf(error), error);
  }
}
