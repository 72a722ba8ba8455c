import { AfkError, EXIT } from "../lib/errors.ts";
import { visible } from "../lib/visible.ts";

/** One thing wrong with the configuration: where (`jobs[0].schedule`), what was found, what to write. */
export interface ConfigIssue {
  path: string;
  message: string;
}

/** The configuration was refused; afk calls no model until it is mended. Exit code 78. */
export class ConfigError extends AfkError {
  readonly issues: ConfigIssue[];

  constructor(file: string, issues: ConfigIssue[], options: { cause?: unknown } = {}) {
    const seen = issues.map(({ path, message }) => ({ path: visible(path), message: visible(message) }));
    const lines = seen.map(({ path, message }) => `  ${path === "" ? "" : `${path}: `}${message}`);
    super("config_refused", `${file} was refused:\n${lines.join("\n")}`, {
      retry: "never",
      exitCode: EXIT.config,
      ...options,
    });
    this.issues = seen;
  }
}
