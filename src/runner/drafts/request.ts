import { SendFailed } from "../../egress/errors.ts";
import type { Outgoing } from "../../egress/types.ts";
import type { ActionTools } from "../../jobs/actions/action.ts";
import { AfkError, assert, messageOf } from "../../lib/errors.ts";

/** What became of an action, by what became of its request. `code` is for the log, which holds none of the content. */
export type RequestOutcome =
  | { type: "done"; status: number }
  | { type: "not_done"; code: string; error: string }
  | { type: "unknown"; code: string; error: string };

/** The server answered, and not that it was done. */
class ActionFailed extends AfkError {
  constructor(message: string) {
    super("action_failed", message, { retry: "never" });
  }
}

/**
 * Tools that let an action make one request, and remember what became of it whatever the action makes of that: an action
 * that swallows a failure must not turn it into a success.
 */
export function oneRequest(
  outgoing: Outgoing,
  idempotencyKey: string,
  signal: AbortSignal,
): { tools: ActionTools; outcome(): RequestOutcome } {
  let outcome: RequestOutcome | undefined;
  const tools: ActionTools = {
    idempotencyKey,
    signal,
    async post(url, request) {
      assert(outcome === undefined, "an action made a second request");
      outcome = { type: "unknown", code: "no_answer", error: "the action ended before its request did" };
      try {
        const { status } = await outgoing.send(url, { ...request, idempotencyKey, signal });
        outcome = ofStatus(status);
      } catch (error) {
        outcome = ofError(error);
        throw error;
      }
      if (outcome.type !== "done") throw new ActionFailed(outcome.error);
      return { status: outcome.status };
    },
  };
  const error = "the action made no request";
  return { tools, outcome: () => outcome ?? { type: "not_done", code: "no_request", error } };
}

/**
 * RFC 9110, section 15: 2xx says that it was done, 4xx that it was refused. A redirect is sent before the work (307) as
 * well as after it (303), and a 5xx can come from half-way through, so neither says whether it was done.
 */
function ofStatus(status: number): RequestOutcome {
  if (status >= 200 && status <= 299) return { type: "done", status };
  const code = `status_${status}`;
  if (status >= 400 && status <= 499)
    return { type: "not_done", code, error: `the server refused it with status ${status}` };
  const kind = status >= 300 && status <= 399 ? "a redirect, which was not followed" : "an error of its own";
  const error = `the server answered with status ${status}, ${kind}; it may have been done`;
  return { type: "unknown", code, error };
}

function ofError(error: unknown): RequestOutcome {
  const isCertain = error instanceof SendFailed ? !error.mayHaveArrived : error instanceof AfkError;
  const code = error instanceof AfkError ? error.code : "unexpected";
  if (isCertain) return { type: "not_done", code, error: messageOf(error) };
  return { type: "unknown", code, error: `${messageOf(error)}; it may have been done` };
}
