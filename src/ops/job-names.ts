import { resolve } from "node:path";
import { processEnvironment } from "../config/environment.ts";
import { ConfigError } from "../config/errors.ts";
import { isSection } from "../config/path.ts";
import { readYaml } from "../config/yaml.ts";
import type { ConfigSources } from "./read-config.ts";

/**
 * The names of the jobs in afk.yaml, as far as they can be read, for a shell that completes them: while somebody types, a
 * configuration that is refused elsewhere is no error, and a missing one neither.
 */
export function jobNames({ config, environment = processEnvironment() }: ConfigSources): string[] {
  try {
    const file = readYaml(resolve(config || environment.AFK_CONFIG || "afk.yaml"));
    const entries = isSection(file) && Array.isArray(file.jobs) ? file.jobs : [];
    const names = entries.flatMap((entry: unknown) => (isSection(entry) ? [String(entry.name)] : []));
    // What a shell splits or expands is no name either.
    return names.filter((name) => /^[a-z0-9][a-z0-9-]*$/.test(name));
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
