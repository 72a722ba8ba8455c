/** When the queue may try again: never, after its usual backoff, or not before so many milliseconds. */
export type Retry = "never" | "later" | { afterMs: number };

/** Exit codes of every command, as its help states them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  noAgent: 66,
  unavailable: 69,
  locked: 75,
  config: 78,
} as const;

/** Retry is later, and the exit code 1, unless stated. */
interface AfkErrorOptions {
  retry?: Retry;
  exitCode?: number;
  cause?: unknown;
}

/**
 * An expected failure. Decisions read `code`, `retry` and `exitCode`; the message is for people and
 * says what happened, to which thing, and what to do about it.
 */
export class AfkError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly exitCode: number;

  constructor(code: string, message: string, options: AfkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retry = options.retry ?? "later";
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The least patient of several: the usual backoff is shorter than a wait that was asked for; "never" only stands alone. */
export function soonest(retries: readonly Retry[]): Retry {
  const waits = retries.flatMap((retry) => (typeof retry === "object" ? [retry.afterMs] : []));
  if (retries.includes("later")) return "later";
  return waits.length > 0 ? { afterMs: Math.min(...waits) } : "never";
}

/** A broken assumption in afk itself: the process ends and recovers from the database. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`afk bug: ${message}`);
}

/** For the end of a switch over a union: a value that no case took is a bug. */
export function assertNever(value: never): never {
  throw new Error(`afk bug: unexpected value ${JSON.stringify(value)}`);
}

/** The code of a system's or a library's error, such as ENOENT; empty where it has none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** The message of anything that was thrown. Never throws: code that records a failure must not fail by it. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `something was thrown that has no text (${typeof error})`;
  }
}
