import type { Config, JobConfig, ModelsConfig } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";
import { referenceProblem } from "./model-reference.ts";
import { formatPath, type Path } from "./path.ts";

/** What is wrong with the models of jobs, in view of the section `models`. */
export function jobModelIssues({ jobs, models: { providers } }: Config): ConfigIssue[] {
  return jobs.flatMap(({ models = [] }, job) =>
    models.flatMap((reference, index) => {
      const message = referenceProblem(reference, Object.keys(providers), (name) => providers[name]?.auth);
      return message === null ? [] : [{ path: formatPath(["jobs", job, "models", index]), message }];
    }),
  );
}

/** The models as one job has them: its own chain, and what it does at a cap. One that asks halts until it has its answer. */
export function modelsOf(models: ModelsConfig, entry: Pick<JobConfig, "models" | "onCap">): ModelsConfig {
  const onCap = entry.onCap === "ask" ? "halt" : (entry.onCap ?? models.onCap);
  return { ...models, chain: entry.models ?? models.chain, onCap };
}

/** Every model that afk itself may ask, the agent's first, and where afk.yaml names it. */
export function askedModels({ models, jobs }: Pick<Config, "models" | "jobs">) {
  const ofAgent = models.chain.map((reference, index): { path: Path; reference: string } => {
    return { path: ["models", "chain", index], reference };
  });
  const ofJobs = jobs.flatMap((job, at) =>
    (job.models ?? []).map((reference, index) => ({ path: ["jobs", at, "models", index], reference })),
  );
  return [...ofAgent, ...ofJobs];
}

/** The chains there are: the agent's, and those of jobs that have their own. */
export function chainsOf({ models, jobs }: Pick<Config, "models" | "jobs">): string[][] {
  return [models.chain, ...jobs.flatMap((job) => (job.models === undefined ? [] : [job.models]))];
}

/** The models that afk itself may ask, each once. */
export function askedReferences(config: Pick<Config, "models" | "jobs">): string[] {
  return [...new Set(askedModels(config).map(({ reference }) => reference))];
}
