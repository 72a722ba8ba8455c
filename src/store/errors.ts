import { AfkError, EXIT } from "../lib/errors.ts";

/** The state cannot be read or written: afk refuses to work rather than to work without its rails. */
export class StoreRefused extends AfkError {
  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { retry: "never", exitCode: EXIT.failed, ...options });
  }
}

/** Another process holds the state directory. Exit code 75. */
export class StateLocked extends AfkError {
  constructor(path: string) {
    super(
      "locked",
      `another afk process is at work in this state directory (${path} is locked); nothing was done`,
      {
        retry: "later",
        exitCode: EXIT.locked,
      },
    );
  }
}

/** SQLite's own result code (`SQLITE_NOTADB`) if `error` came from it. */
export function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}
