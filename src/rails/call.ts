import { AfkError, type Retry } from "../lib/errors.ts";

/** What failed, as far as trying again is concerned. */
export type Fault =
  /** What the call depends on is down, or says that it is: it may answer the same request later. */
  | "outage"
  /** It rightly or wrongly refused this request, and will until a person changes something. */
  | "refusal"
  /** It answered, and the answer is of no use. */
  | "reply";

/**
 * How a guarded call failed, in the words that money and the breaker need.
 *
 * - `charge`: "none" when it certainly cost nothing (refused connection, the provider's own error answer);
 *   "unknown" when it may have been billed (time-out, abort, broken stream, 502, 504, a reply without usage).
 * - `trip`: "count" adds one to the failures in a row; "now" opens the breaker at once (401, 403);
 *   `untilAfterMs` opens it for as long as the provider asked (429 with Retry-After); "none" for failures that
 *   say nothing about the dependency's health (a request it rightly refused as malformed).
 * - `fault`: whether waiting heals it; an outage unless stated, or a reply where it says nothing of health.
 */
export class CallFailed extends AfkError {
  readonly charge: "none" | "unknown";
  readonly trip: "count" | "now" | "none" | { untilAfterMs: number };
  readonly fault: Fault;

  constructor(
    message: string,
    fields: Pick<CallFailed, "charge" | "trip"> & { fault?: Fault; retry?: Retry; cause?: unknown },
  ) {
    super("call_failed", message, { retry: fields.retry ?? "later", cause: fields.cause });
    this.charge = fields.charge;
    this.trip = fields.trip;
    this.fault = fields.fault ?? (fields.trip === "none" ? "reply" : "outage");
  }
}
