import { AfkError, EXIT, systemCode } from "../lib/errors.ts";

/** The state cannot be read or written: afk refuses to work rather than to work without its rails. */
export class StoreRefused extends AfkError {
  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { retry: "never", exitCode: EXIT.failed, ...options });
  }
}

/** The files of the state are not the ones that this process has open, so nothing that it would do holds. */
export class StateReplaced extends StoreRefused {
  constructor(message: string) {
    super("state_replaced", message);
  }
}

/** Another process holds the state directory. Exit code 75. */
export class StateLocked extends AfkError {
  constructor(path: string) {
    const message = `another afk process is at work in this state directory (${path} is locked); nothing was done`;
    super("locked", message, { exitCode: EXIT.locked });
  }
}

/** Whether a database elsewhere could not be reached, which may heal by itself. Said by its code: the error's class comes with its engine. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof AfkError && error.code === "store_unreachable";
}

/** True for the database's own error and for the file system's. */
export function isDiskFull(error: unknown): boolean {
  return ["disk_full", "ENOSPC", "EDQUOT"].includes(systemCode(error));
}

/** True when somebody else kept the database busy for longer than a statement waits; nothing was done then. */
export function isBusy(error: unknown): boolean {
  return error instanceof StoreRefused && error.code === "store_busy";
}
