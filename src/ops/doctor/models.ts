import type { Config } from "../../config/config.ts";
import { askedReferences, chainsOf } from "../../config/job-models.ts";
import { toIso } from "../../lib/clock.ts";
import { isAskedForNothing, probeModel } from "../../providers/probe.ts";
import { bad, type Examination, type Found, ok, type WithConfig, type WithStore, warn } from "./check.ts";
import { conditionOf } from "./condition.ts";

/** The model that needs nothing, and so is there when no other is. */
const OFFLINE = "extractive";

/** One check for each model of the chain, of jobs and of `gateway.models`; only what runs elsewhere needs the network. */
export function modelChecks(named: Pick<Config, "models" | "gateway" | "jobs">): Examination<WithConfig>[] {
  const { models, gateway } = named;
  const references = new Set([...askedReferences(named), ...Object.values(gateway.models ?? {})]);
  return [...references].map((reference) => [
    "models",
    `model ${reference}`,
    async ({ config }) => {
      const probe = await probeModel(reference, config.models);
      if (probe.problem === null) return ok(probe.found);
      // One that only the gateway offers is in no chain, and nothing does its work.
      const chains = chainsOf(config).filter((chain) => chain.includes(reference));
      const hasSpare = (chain: string[]) => chain.indexOf(reference) < chain.lastIndexOf(OFFLINE);
      if (chains.length === 0 || !chains.every(hasSpare)) return bad(probe.problem, probe.mend);
      return warn(`${probe.problem}; until then ${OFFLINE} does its work`, probe.mend);
    },
    isAskedForNothing(reference, models) ? "network" : undefined,
  ]);
}

/** Models that answer a question and refuse the work, as one without credit does. Says nothing where none does. */
export async function refusingModels(subject: WithStore): Promise<Found> {
  const { facts, findings } = await conditionOf(subject);
  const found = findings.find(({ code }) => code === "model_refuses" || code === "models_refuse");
  if (found === undefined) return [];
  const { code, severity } = found;
  const result = severity === "bad" ? bad : warn;
  return facts.refusals.map(({ model, since_at, reason }) => ({
    name: `model ${model}`,
    ...result(
      `has refused every call since ${toIso(since_at)}: ${reason}`,
      "do what the server says, at the provider or in models of afk.yaml; the next call that it answers ends this",
    ),
    code,
  }));
}
