import { AfkError, type Retry } from "../lib/errors.ts";

/** Policy says no: host not allowed, private address, robots.txt, a redirect to any of these. Trying again changes nothing. */
export class EgressRefused extends AfkError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("egress_refused", message, { retry: "never", ...options });
  }
}

/** The host or the network failed, or answered with something that is not a page. */
export class EgressFailed extends AfkError {
  /** The HTTP status, when there was an answer. */
  readonly status: number | null;

  constructor(message: string, options: { retry?: Retry; status?: number; cause?: unknown } = {}) {
    super("egress_failed", message, { retry: options.retry ?? "later", cause: options.cause });
    this.status = options.status ?? null;
  }
}

/** The host is to be left alone for a while: it asked for that, or its next free slot is too far off to wait for. */
export class HostBusy extends EgressFailed {
  constructor(message: string, afterMs: number, options: { status?: number } = {}) {
    super(message, { retry: { afterMs }, ...options });
  }
}

/** A request that was to change something got no answer. `mayHaveArrived` false: not one byte of it left. */
export class SendFailed extends EgressFailed {
  readonly mayHaveArrived: boolean;

  constructor(message: string, fields: { mayHaveArrived: boolean; cause: unknown }) {
    super(message, { cause: fields.cause });
    this.mayHaveArrived = fields.mayHaveArrived;
  }
}
