import type { ConfigError } from "../../config/errors.ts";
import { bad, type Examination, type Finding, ok, type WithConfig } from "./check.ts";

export const configuration: Examination<WithConfig> = {
  group: "configuration",
  name: "configuration",
  look: ({ config }) => {
    const count = config.jobs.length;
    const jobs = `${count} ${count === 1 ? "job" : "jobs"}`;
    return [ok("configuration", `${config.paths.configFile}: agent ${config.agent}, ${jobs}`)];
  },
};

/** Each fault of a refused configuration is a finding of its own; its message says what to write. */
export function refusedConfiguration(file: string, error: ConfigError): Finding[] {
  const mend = `write what it says, in ${file}`;
  if (error.issues.length === 0) return [bad("configuration", error.message, mend)];
  return error.issues.map(({ path, message }) => {
    const isPrice = /^models\.chain\[\d+\]$/.test(path) && message.includes("models.prices");
    return bad(isPrice ? "prices" : "configuration", path === "" ? message : `${path}: ${message}`, mend);
  });
}
