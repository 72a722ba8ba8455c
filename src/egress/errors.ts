import { AfkError, EXIT, type Retry } from "../lib/errors.ts";

/** Policy says no: host not allowed, private address, robots.txt, a redirect to any of these. Trying again changes nothing. */
export class EgressRefused extends AfkError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("egress_refused", message, { retry: "never", ...options });
  }
}

/**
 * The host or the network failed, or answered with something that is not a page. Exit 69 where the host is down or asks to be
 * asked later, which is no fault of who asked.
 */
export class EgressFailed extends AfkError {
  /** The HTTP status, when there was an answer. */
  readonly status: number | null;

  /** `isDown`: where there was an answer, its status says so unless this does. */
  constructor(
    message: string,
    options: { retry?: Retry; status?: number; isDown?: boolean; cause?: unknown } = {},
  ) {
    const { retry = "later", status = null, isDown = status !== null && status >= 500, cause } = options;
    super("egress_failed", message, { retry, cause, exitCode: isDown ? EXIT.unavailable : EXIT.failed });
    this.status = status;
  }
}

/** The host is not to be called for a while: it asked for that, or its next free slot is too far off to wait for. */
export class HostBusy extends EgressFailed {
  constructor(message: string, afterMs: number, options: { status?: number } = {}) {
    super(message, { retry: { afterMs }, isDown: true, ...options });
  }
}

/** A mail server was reached, and does not let the mailbox be read: login, folder, or it is none. */
export class MailboxRefused extends AfkError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("egress_mailbox_refused", message, options);
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
