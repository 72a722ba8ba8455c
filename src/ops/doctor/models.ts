import type { ModelsConfig } from "../../config/config.ts";
import { toIso } from "../../lib/clock.ts";
import { isAskedForNothing, probeModel } from "../../providers/probe.ts";
import { listRefusals } from "../../providers/refusals.ts";
import { bad, type Examination, ok, type WithConfig, type WithStore } from "./check.ts";

/** One check for each model of the chain; only what runs elsewhere needs the network. */
export function modelChecks(models: ModelsConfig): Examination<WithConfig>[] {
  return models.chain.map((reference) => {
    const name = `model ${reference}`;
    return {
      group: "models",
      name,
      network: isAskedForNothing(reference, models),
      check: async ({ config }) => {
        const probe = await probeModel(reference, config.models);
        return [probe.problem === null ? ok(probe.found) : bad(probe.problem, probe.mend)];
      },
    };
  });
}

/** Models that answer a question and refuse the work, as one without credit does. Says nothing where none does. */
export const refusingModels: Examination<WithStore> = {
  group: "models",
  name: "refusals",
  async check({ config, store }) {
    const refusals = await listRefusals(store.db, config.models.chain);
    return refusals.map(({ model, since_at, reason }) => ({
      name: `model ${model}`,
      ...bad(
        `has refused every call since ${toIso(since_at)}: ${reason}`,
        "do what the server says, at the provider or in models of afk.yaml; the next call that it answers ends this",
      ),
    }));
  },
};
