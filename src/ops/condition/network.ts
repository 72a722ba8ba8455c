import type { Config } from "../../config/config.ts";
import { processEnvironment } from "../../config/environment.ts";
import { chooseContainment } from "../../jobs/containment/containment.ts";
import { type Finding, finding } from "./finding.ts";

/** The jobs whose programs are to have a network of their own. */
export function ownNetworkJobs(jobs: Config["jobs"]): Config["jobs"] {
  return jobs.filter(({ settings }) => {
    const { network } = (settings ?? {}) as { network?: string };
    return network !== undefined && network !== "open";
  });
}

/** Jobs that ask for a network of their own where this machine gives none, found out by trying where there is such a job. */
export async function networksByAgreement({ jobs }: Pick<Config, "jobs">): Promise<Finding[]> {
  const asking = ownNetworkJobs(jobs);
  if (asking.length === 0) return [];
  const { kind, networkRefusal } = await chooseContainment(processEnvironment().PATH);
  // What `docker exec` starts has no parent in the container, and cannot tell what the worker has.
  if (networkRefusal === null || (kind === "marks" && process.ppid === 0)) return [];
  const names = asking.map(({ name }) => name).join(", ");
  const text = `the network of ${names} is by agreement only`;
  return [finding("network_by_agreement", text, "afk doctor", networkRefusal)];
}
