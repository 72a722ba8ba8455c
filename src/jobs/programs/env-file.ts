import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Config } from "../../config/config.ts";
import { PermanentFailure } from "../../queue/job.ts";
import { readNamedFile } from "./named-file.ts";
import { VARIABLE_NAME } from "./settings.ts";

const FILE_BYTES_MAX = 64 * 1024;
/** Shorter values are words, such as `true` and `production`, and hiding them would garble every text. */
const SECRET_LENGTH_MIN = 8;

/** Those of these values that nothing may show. */
export function secretsAmong(values: readonly string[]): string[] {
  return values.filter((value) => value.length >= SECRET_LENGTH_MIN);
}

/** What the `env_file`s of all jobs set now and nothing may show, for those who show what programs wrote. */
export function envFileSecrets({ jobs, paths }: Pick<Config, "jobs" | "paths">): string[] {
  return jobs.flatMap(({ name, envFile }) => {
    if (envFile === undefined) return [];
    try {
      return secretsAmong(Object.values(readEnvFile(name, resolve(paths.base, envFile))));
    } catch (error) {
      // The job's own run says what is wrong with it.
      if (error instanceof PermanentFailure) return [];
      throw error;
    }
  });
}

/** The variables of a job's `env_file`. @throws PermanentFailure (`env_file`) for a file that cannot be used. */
export function readEnvFile(job: string, path: string): Record<string, string> {
  const { text, refuse } = readNamedFile(path, {
    code: "env_file",
    what: `job ${job}: env_file`,
    key: "env_file in afk.yaml",
    bytesMax: FILE_BYTES_MAX,
    smaller: "keep to variables in it",
  });
  if (text.includes("\0")) throw refuse("holds a NUL; write lines of NAME=value");
  const variables = parseEnv(text) as Record<string, string>;
  for (const name of Object.keys(variables))
    if (!VARIABLE_NAME.test(name))
      throw refuse(
        `sets ${JSON.stringify(name)}, which is no name for a variable or is set by afk; take it out`,
      );
  return variables;
}
