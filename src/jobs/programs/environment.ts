import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { processEnvironment, readBounded } from "../../config/environment.ts";
import { messageOf } from "../../lib/errors.ts";
import { PermanentFailure } from "../../queue/job.ts";
import type { JobContext } from "../job.ts";
import { isProviderKey, REFUSED_KEY } from "./gateway-environment.ts";
import { type ProgramSettings, VARIABLE_NAME } from "./settings.ts";

/** Variables of afk's own that a program can expect anywhere. None of afk's secrets is among them. */
const INHERITED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

const FILE_BYTES_MAX = 64 * 1024;

/** The environment of a run, and which of its values no log may show. */
export interface ProgramEnvironment {
  env: Record<string, string>;
  secrets: string[];
}

/**
 * What a program finds in its environment, the later over the earlier: what every program expects, the gateway's addresses,
 * the file of the job, what afk.yaml says, and the names of job and period.
 * @param resultFile where its result is read; null where none is.
 * @throws PermanentFailure for a file that cannot be used.
 */
export function makeEnvironment(
  {
    name,
    base,
    settings,
    period,
  }: Pick<JobContext<ProgramSettings>, "name" | "base" | "settings" | "period">,
  ofRun: Record<string, string>,
  resultFile: string | null,
): ProgramEnvironment {
  const inherited = Object.entries(processEnvironment()).filter(([key]) => INHERITED.includes(key));
  const ofFile =
    settings.envFile === null ? {} : readEnvFile(name, resolve(base, settings.envFile), settings);
  const env = {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    ...ofRun,
    ...ofFile,
    ...settings.env,
    ...(resultFile !== null && { AFK_RESULT: resultFile }),
    AFK_JOB: name,
    AFK_PERIOD: period.label,
  };
  return { env, secrets: Object.values(ofFile) };
}

function readEnvFile(job: string, path: string, { hasGateway }: ProgramSettings): Record<string, string> {
  const refuse = (problem: string) =>
    new PermanentFailure("exec_env_file", `job ${job}: env_file ${path} ${problem}`);
  const variables = parseFile(path, refuse);
  for (const name of Object.keys(variables)) {
    if (!VARIABLE_NAME.test(name))
      throw refuse(
        `sets ${JSON.stringify(name)}, which is no name for a variable or is set by afk; take it out`,
      );
    if (hasGateway && isProviderKey(name)) throw refuse(`sets ${name}: ${REFUSED_KEY}`);
  }
  return variables;
}

function parseFile(path: string, refuse: (problem: string) => PermanentFailure): Record<string, string> {
  let bytes: Buffer;
  try {
    // A pipe would be waited for.
    if (!statSync(path).isFile()) throw refuse("is no file; write the path of one");
    bytes = readBounded(path, FILE_BYTES_MAX + 1);
  } catch (error) {
    if (error instanceof PermanentFailure) throw error;
    throw refuse(`cannot be read (${messageOf(error)}); make it, or mend env_file in afk.yaml`);
  }
  if (bytes.length > FILE_BYTES_MAX) throw refuse("is larger than 64 KiB; keep to variables in it");
  const text = bytes.toString("utf8");
  if (text.includes("\0")) throw refuse("holds a NUL; write lines of NAME=value");
  return parseEnv(text) as Record<string, string>;
}
