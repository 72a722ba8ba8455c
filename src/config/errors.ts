import { AfkError, EXIT } from "../lib/errors.ts";

/** One thing wrong with the configuration: where (`jobs[0].schedule`), what was found, what to write. */
export interface ConfigIssue {
  path: string;
  message: string;
}

/** The configuration was refused; afk calls no model until it is mended. Exit code 78. */
export class ConfigError extends AfkError {
  readonly issues: ConfigIssue[];

  constructor(file: string, issues: ConfigIssue[], options: { cause?: unknown } = {}) {
    const lines = issues.map((issue) => `  ${issue.path === "" ? "" : `${issue.path}: `}${issue.message}`);
    super("config_refused", `${file} was refused:\n${lines.join("\n")}`, {
      retry: "never",
      exitCode: EXIT.config,
      ...options,
    });
    this.issues = issues;
  }
}
