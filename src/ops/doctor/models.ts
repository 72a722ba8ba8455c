import { probeModel } from "../../models/probe.ts";
import { bad, type Examination, ok, type WithConfig } from "./check.ts";

/** One look for each model of the chain; only what runs elsewhere needs the network. */
export function modelLooks(chain: readonly string[]): Examination<WithConfig>[] {
  return chain.map((reference) => {
    const name = `model ${reference}`;
    return {
      group: "models",
      name,
      network: reference.startsWith("ollama/"),
      look: async ({ config }) => {
        const probe = await probeModel(reference, config.models);
        return [probe.problem === null ? ok(name, probe.found) : bad(name, probe.problem, probe.mend)];
      },
    };
  });
}
