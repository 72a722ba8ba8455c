import { resolve } from "node:path";
import type { JobConfig } from "../../config/config.ts";
import { readEnvFile, secretsAmong } from "../../jobs/programs/env-file.ts";
import type { Log } from "../../lib/log.ts";
import { createRedactor, type Redact, redacted } from "../../lib/redact.ts";
import type { Uses } from "../dependencies.ts";

/**
 * The variables of a run's `env_file`.
 * @throws PermanentFailure (`env_file`) for a file that cannot be used.
 */
export function readVariables({ name, envFile }: JobConfig, base: string): Readonly<Record<string, string>> {
  return envFile === undefined ? {} : Object.freeze(readEnvFile(name, resolve(base, envFile)));
}

/** The same dependencies, which show the values of these variables nowhere: not in a log, an error, a report or an alert's text. */
export function hideValues<Given extends Uses<"outbox" | "log">>(
  given: Given,
  variables: Readonly<Record<string, string>>,
): Given {
  const secrets = secretsAmong(Object.values(variables));
  if (secrets.length === 0) return given;
  const own = createRedactor(secrets);
  const { outbox, log } = given;
  const redact = (text: string) => outbox.redact(own(text));
  return { ...given, outbox: { ...outbox, redact }, log: redactedLog(log, own) };
}

/** Takes secrets out of the message of an error: it goes on to the tick, whose record knows nothing of the run's own. */
export function hideIn(error: unknown, redact: Redact): void {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return;
  const message = redact(error.message);
  // That of a DOMException cannot be assigned to.
  if (message !== error.message) Object.defineProperty(error, "message", { value: message });
}

function redactedLog(log: Log, redact: Redact): Log {
  return {
    event: (level, event, fields) => log.event(level, event, redacted(fields, redact)),
    child: (fields) => redactedLog(log.child(redacted(fields, redact)), redact),
  };
}
