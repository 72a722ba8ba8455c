import { SendFailed } from "../../egress/errors.ts";
import type { MailDraft } from "../../egress/imap/prepare-append.ts";
import type { Outgoing } from "../../egress/types.ts";
import type { ActionRequest, ActionTools, PushRequest } from "../../jobs/actions/action.ts";
import type { SourceReference } from "../../jobs/actions/references.ts";
import { PUSH_UNKNOWN } from "../../jobs/agent/push.ts";
import { AfkError, assert, messageOf } from "../../lib/errors.ts";

/** What became of an action, by what became of its request. `code` is for the log, which holds none of the content. */
export type RequestOutcome =
  | { type: "done" }
  | { type: "not_done"; code: string; error: string }
  | { type: "unknown"; code: string; error: string };

/** The server answered, and not that it was done. */
class ActionFailed extends AfkError {
  constructor(message: string) {
    super("action_failed", message, { retry: "never" });
  }
}

/** What a request is made with; credentials are those of afk.yaml as it is now. */
interface Means {
  outgoing: Pick<Outgoing, "send">;
  /** The authorization that goes to this address. Throws AfkError where afk.yaml has none for it. */
  authorize(from: NonNullable<ActionRequest["credentials"]>, url: string): string;
  /** Throws SendFailed, which says whether it may have arrived; all other AfkErrors say that it did not. */
  append(
    from: SourceReference,
    draft: MailDraft & { signal: AbortSignal },
  ): Promise<{ folder: string; wasThere: boolean }>;
  /** Pushes a branch; throws where it is not known to be there. */
  push(wanted: PushRequest): Promise<void>;
  idempotencyKey: string;
  signal: AbortSignal;
}

/**
 * Tools that let an action do one thing, and remember what became of it whatever the action makes of that: an action
 * that swallows a failure must not turn it into a success.
 */
export function oneRequest(means: Means): { tools: ActionTools; outcome(): RequestOutcome } {
  const { outgoing, idempotencyKey, signal } = means;
  let outcome: RequestOutcome | undefined;
  /** The branch that was pushed, and whether nothing was sent behind it yet. */
  let pushed: string | null = null;
  let isNext = false;

  /** `work` gives what it found, and what became of it. */
  async function once<T>(work: () => Promise<[found: T, outcome: RequestOutcome]>): Promise<T> {
    assert(outcome === undefined, "an action made a second request");
    outcome = { type: "unknown", code: "no_answer", error: "the action ended before its request did" };
    let found: T;
    try {
      [found, outcome] = await work();
    } catch (error) {
      outcome = ofError(error);
      throw error;
    }
    if (outcome.type !== "done") throw new ActionFailed(outcome.error);
    return found;
  }

  const tools: ActionTools = {
    idempotencyKey,
    signal,
    async push(wanted) {
      await once(async () => [await means.push(wanted), { type: "done" }]);
      pushed = wanted.branch;
      isNext = true;
    },
    post(url, { credentials, alsoDone = [], ...request }) {
      // Behind a push, whether it is done is the request's to say.
      if (isNext) outcome = undefined;
      isNext = false;
      return once(async () => {
        const authorization =
          credentials === undefined ? {} : { authorization: means.authorize(credentials, url) };
        const { status } = await outgoing.send(url, { ...request, ...authorization, idempotencyKey, signal });
        return [{ status }, alsoDone.includes(status) ? { type: "done" } : ofStatus(status)];
      });
    },
    append: (from, draft) =>
      once(async () => [await means.append(from, { ...draft, idempotencyKey, signal }), { type: "done" }]),
  };
  const error = "the action made no request";
  return {
    tools,
    outcome() {
      const found = outcome ?? ({ type: "not_done", code: "no_request", error } as const);
      if (pushed === null || found.type === "done") return found;
      return { ...found, error: `the branch ${pushed} is pushed; ${found.error}` };
    },
  };
}

/**
 * RFC 9110, section 15: 2xx says that it was done, 4xx that it was refused. A redirect is sent before the work (307) as
 * well as after it (303), and a 5xx can come from half-way through, so neither says whether it was done.
 */
function ofStatus(status: number): RequestOutcome {
  if (status >= 200 && status <= 299) return { type: "done" };
  const code = `status_${status}`;
  if (status >= 400 && status <= 499)
    return { type: "not_done", code, error: `the server refused it with status ${status}` };
  const kind = status >= 300 && status <= 399 ? "a redirect, which was not followed" : "an error of its own";
  const error = `the server answered with status ${status}, ${kind}; it may have been done`;
  return { type: "unknown", code, error };
}

function ofError(error: unknown): RequestOutcome {
  const isCertain =
    error instanceof SendFailed
      ? !error.mayHaveArrived
      : error instanceof AfkError && error.code !== PUSH_UNKNOWN;
  const code = error instanceof AfkError ? error.code : "unexpected";
  if (isCertain) return { type: "not_done", code, error: messageOf(error) };
  return { type: "unknown", code, error: `${messageOf(error)}; it may have been done` };
}
