import { DATABASE_VARIABLE } from "./database-url.ts";
import { type Environment, readVariable } from "./environment.ts";
import { ConfigError } from "./errors.ts";
import { isSection } from "./path.ts";
import { readYaml, readYamlLoosely } from "./yaml.ts";

/* What can be read from a file that is refused as a whole. Throws nothing that the file can cause. */

/** Its sections as they stand there; none where it cannot be read. */
export function readSections(configFile: string): Record<string, unknown> {
  try {
    const raw = readYaml(configFile);
    return isSection(raw) ? raw : {};
  } catch (error) {
    if (error instanceof ConfigError) return {};
    throw error;
  }
}

/** The agent's name as the file states it, whatever else is wrong with the file; null where it states none. */
export function looseAgentName(configFile: string): string | null {
  return nameIn(readSections(configFile));
}

export function nameIn({ agent }: Record<string, unknown>): string | null {
  return typeof agent === "string" && agent !== "" ? agent.slice(0, 100) : null;
}

/** Whether the file or the host names a database of several machines, be it in a way that is refused. */
export function namesDatabase(configFile: string, environment: Environment): boolean {
  if (readVariable(environment, DATABASE_VARIABLE).state !== "unset") return true;
  return readYamlLoosely(configFile).some((top) => isSection(top) && top.database !== undefined);
}
