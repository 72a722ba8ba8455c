import { AfkError, type Retry } from "../lib/errors.ts";

/**
 * How a guarded call failed, in the words that money and the breaker need.
 *
 * - `charge`: "none" when it certainly cost nothing (refused connection, the provider's own error answer);
 *   "unknown" when it may have been billed (time-out, abort, broken stream, 502, 504, a reply without usage).
 * - `trip`: "count" adds one to the failures in a row; "now" opens the breaker at once (401, 403);
 *   `untilAfterMs` opens it for as long as the provider asked (429 with Retry-After); "none" for failures that
 *   say nothing about the dependency's health (a request it rightly refused as malformed).
 */
export class CallFailed extends AfkError {
  readonly charge: "none" | "unknown";
  readonly trip: "count" | "now" | "none" | { untilAfterMs: number };

  constructor(
    message: string,
    fields: {
      charge: "none" | "unknown";
      trip: CallFailed["trip"];
      retry?: Retry;
      cause?: unknown;
    },
  ) {
    super("call_failed", message, { retry: fields.retry ?? "later", cause: fields.cause });
    this.charge = fields.charge;
    this.trip = fields.trip;
  }
}
