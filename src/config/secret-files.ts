import type { Environment } from "./environment.ts";
import { KEY_VARIABLES } from "./models-schema.ts";

/** Variables that afk reads without afk.yaml naming them. */
const ALWAYS_READ = ["ALERT_WEBHOOK", ...KEY_VARIABLES, "DASHBOARD_TOKEN"];

/** The files that secrets are read from: for each `${NAME}` of afk.yaml that NAME does not state and NAME_FILE does. */
export function secretFiles(configText: string, environment: Environment): { name: string; path: string }[] {
  const named = [...configText.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].map((match) => match[1] ?? "");
  return [...new Set([...named, ...ALWAYS_READ])].flatMap((name) => {
    const path = Object.hasOwn(environment, `${name}_FILE`) ? environment[`${name}_FILE`] : undefined;
    return path === undefined || path === "" || (environment[name] ?? "") !== "" ? [] : [{ name, path }];
  });
}

/** Whether one of the secrets stands in the file itself. */
export function literalSecrets(configText: string, secrets: readonly string[]): boolean {
  // A shorter one may stand there as a word.
  return secrets.some((secret) => secret.length >= 6 && configText.includes(secret));
}
