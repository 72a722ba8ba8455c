import { type Environment, readVariable } from "./environment.ts";
import type { ConfigIssue } from "./errors.ts";
import { formatPath, type Path } from "./path.ts";

/** A text of the file in which `${NAME}` was replaced. */
export interface Replacement {
  path: Path;
  /** As it stands in the file; messages show this, since the value may be a secret. */
  written: string;
  /** What came in, by the name of its variable. */
  values: Map<string, string>;
}

interface Substituted {
  value: unknown;
  replacements: Replacement[];
  issues: ConfigIssue[];
}

/**
 * Replaces `${NAME}` in every text of a parsed file by the variable NAME, or the file that NAME_FILE names;
 * `$${` stands for a literal `${`. It works on parsed values, so that what comes in stays one text whatever it
 * contains. Keys stay as they are.
 */
export function substitute(value: unknown, environment: Environment): Substituted {
  const result: Substituted = { value: null, replacements: [], issues: [] };
  result.value = walk(value, [], environment, result);
  return result;
}

function walk(value: unknown, path: Path, environment: Environment, result: Substituted): unknown {
  if (typeof value === "string") return replaceIn(value, path, environment, result);
  if (Array.isArray(value)) {
    return value.map((item, index) => walk(item, [...path, index], environment, result));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key], environment, result)]),
  );
}

function replaceIn(text: string, path: Path, environment: Environment, result: Substituted): string {
  const values = new Map<string, string>();
  const replaced = text.replace(
    /\$\$\{|\$\{([^}]*)(\}?)/g,
    (match, name: string | undefined, end: string) => {
      if (name === undefined) return "${";
      if (end === "" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        const message = `found ${JSON.stringify(match)}; write \${NAME} for an environment variable, or $\${ for the characters \${ themselves`;
        result.issues.push({ path: formatPath(path), message });
        return match;
      }
      const variable = readVariable(environment, name);
      if (variable.state === "set") {
        values.set(name, variable.value);
        return variable.value;
      }
      result.issues.push({ path: formatPath(path), message: unsetMessage(name, variable) });
      return match;
    },
  );
  if (values.size > 0) result.replacements.push({ path, written: text, values });
  return replaced;
}

function unsetMessage(
  name: string,
  variable: { state: "unset" } | { state: "broken"; problem: string },
): string {
  if (variable.state === "broken") return variable.problem;
  return `the environment variable ${name} is unset or empty; set ${name}, or ${name}_FILE to the path of a file that holds the value`;
}
