import { processEnvironment } from "../../config/environment.ts";
import { PermanentFailure } from "../../queue/job.ts";
import type { JobContext } from "../job.ts";
import { isProviderKey, REFUSED_KEY } from "./gateway-environment.ts";
import type { ProgramSettings } from "./settings.ts";

/** Variables of afk's own that a program can expect anywhere. None of afk's secrets is among them. */
const INHERITED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/** The environment of a run, and which of its values no log may show. */
export interface ProgramEnvironment {
  env: Record<string, string>;
  secrets: string[];
}

/**
 * What a program finds in its environment, the later over the earlier: what every program expects, the gateway's addresses,
 * the file of the job, what afk.yaml says, and the names of job and period.
 * @param resultFile where its result is read; null where none is.
 * @throws PermanentFailure for a variable that a program with a gateway must not have.
 */
export function makeEnvironment(
  {
    name,
    variables,
    settings,
    period,
  }: Pick<JobContext<ProgramSettings>, "name" | "variables" | "settings" | "period">,
  ofRun: Record<string, string>,
  resultFile: string | null,
): ProgramEnvironment {
  const inherited = Object.entries(processEnvironment()).filter(([key]) => INHERITED.includes(key));
  const ofProvider = settings.hasGateway ? Object.keys(variables).filter(isProviderKey) : [];
  if (ofProvider.length > 0)
    throw new PermanentFailure(
      "env_file",
      `job ${name}: env_file sets ${ofProvider.join(", ")}: ${REFUSED_KEY}`,
    );
  const env = {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    ...ofRun,
    ...variables,
    ...settings.env,
    ...(resultFile !== null && { AFK_RESULT: resultFile }),
    AFK_JOB: name,
    AFK_PERIOD: period.label,
  };
  return { env, secrets: Object.values(variables) };
}
